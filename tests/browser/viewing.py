"""What tests do with a view in an exported page, and what they read from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.conftest import Tab


def trait(page: Page, name: str) -> Any:
    return page.evaluate("name => window.__atlas.model.get(name)", name)


def until(page: Page, condition: str) -> None:
    """Wait until an expression of `get`, the reader of traits, is true."""
    page.wait_for_function(f"() => {{ const get = name => window.__atlas.model.get(name); return {condition}; }}")


def set_traits(tab: Tab, **values: Any) -> None:
    """Set traits as a script of the page does, and wait until the picture shows them."""
    tab.page.evaluate(
        "values => { for (const [name, value] of Object.entries(values)) window.__atlas.model.set(name, value); }",
        values,
    )
    tab.ready()


def look_at(tab: Tab, cell: int, size: int = 32, zoom: float = 3.0) -> None:
    """Bring a cell to the middle of the picture."""
    row, column = divmod(cell, size)
    set_traits(tab, camera=[(column + 0.5) / size, (row + 0.5) / size, zoom])


def picture(page: Page) -> str:
    """What is drawn, without the panels above it."""
    return str(page.evaluate("() => document.querySelector('.aa-canvas').toDataURL()"))


def middle(page: Page) -> tuple[float, float]:
    box = page.locator(".aa-stage").bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def choose_class(tab: Tab, typed: str, name: str) -> None:
    """Choose a class as a person does, and wait for its strongest cell: it is flown to and its card pinned."""
    tab.page.get_by_label("Find a class and show its heat map").fill(typed)
    tab.page.get_by_role("option", name=name).first.click()
    expect(tab.page.locator(".aa-pinned")).to_be_visible()
    tab.ready()


def card(page: Page) -> dict[str, Any]:
    """What the card says: its title and place, classes with their values in the order shown, and its numbers."""
    found: dict[str, Any] = page.locator(".aa-card").evaluate(
        """card => {
            const text = (part, selector) => part.querySelector(selector).textContent;
            return {
                title: text(card, "h2"),
                where: text(card, ".aa-card-where").replace("\\u00a0", " "),
                classes: [...card.querySelectorAll(".aa-classes li")].map(
                    row => [text(row, ".aa-class-name"), Number(text(row, ".aa-value").replace("\\u2212", "-"))]),
                chosen: [...card.querySelectorAll(".aa-chosen .aa-class-name")].map(name => name.textContent),
                numbers: Object.fromEntries([...card.querySelectorAll(".aa-meter")].map(
                    meter => [text(meter, "span"), Number(text(meter, "b").replace(",", ""))])),
            };
        }"""
    )
    return found
