"""A real browser, a real JupyterLab, and an atlas of three levels to look at."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Dialog, Error, Page, expect, sync_playwright

from atlas.render import RenderSettings
from tests.browser.jupyter import PATIENCE_S, Lab, Notebook, jupyterlab

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from atlas.activations import Activations
    from atlas.atlas import Atlas

_CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
#: Nothing but the page under test: no sandbox (containers have none to offer), no GPU, no talking home.
_ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--force-color-profile=srgb", "--font-render-hinting=none"),
)
READY = '.aa-root[data-aa-ready="true"]'
PATIENCE_MS = 1000 * PATIENCE_S
expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    found = next((path for name in _CHROMIUM if (path := shutil.which(name))), _MAC)
    assert Path(found).exists(), "The browser tests need a Chromium: `make browser` says how to get one."
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=list(_ARGUMENTS))
        yield started
        started.close()


@dataclass
class Tab:
    """A page and everything that went wrong in it."""

    page: Page
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(PATIENCE_MS)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("dialog", self._dialog)
        self.page.on("request", lambda request: self.requests.append(request.url))

    def _dialog(self, dialog: Dialog) -> None:
        self.errors.append(f"dialog {dialog.message}")
        dialog.dismiss()

    def ready(self, number: int = 0) -> None:
        """Wait until view `number` shows all it is going to show."""
        self.page.locator(".aa-root").nth(number).wait_for()
        self.page.wait_for_function(
            "i => document.querySelectorAll('.aa-root')[i]?.dataset.aaReady === 'true'", arg=number
        )

    def at_level(self, size: int, number: int = 0) -> None:
        """Wait until view `number` shows a level, sharp."""
        self.page.wait_for_function(
            "([i, size]) => document.querySelectorAll('.aa-root')[i]?.dataset.aaLevel === size",
            arg=[number, str(size)],
        )
        self.ready(number)

    def level(self, number: int = 0) -> int:
        return int(self.page.locator(".aa-root").nth(number).get_attribute("data-aa-level") or 0)


@pytest.fixture
def open_tab(browser: Browser) -> Iterator[Callable[..., Tab]]:
    contexts: list[BrowserContext] = []

    def start(url: str | None = None, **settings: Any) -> Tab:
        context = browser.new_context(**{"viewport": {"width": 1000, "height": 700}} | settings)
        contexts.append(context)
        tab = Tab(context.new_page())
        if url is not None:
            tab.page.goto(url)
        return tab

    yield start
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def deep_atlas(
    small_acts: Activations, build_small: Callable[..., Atlas], tmp_path_factory: pytest.TempPathFactory
) -> Atlas:
    """Levels 8, 16 and 32 of `body`; not to be changed by a test."""
    quick = RenderSettings(size=32, steps=4, tile=64, rescues=0)
    return build_small(small_acts, tmp_path_factory.mktemp("deep") / "deep.atlas", grids=(8, 16, 32), rendering=quick)


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One server for all tests."""
    with jupyterlab(tmp_path_factory.mktemp("lab")) as server:
        yield server


@pytest.fixture
def open_notebook(lab: Lab, open_tab: Callable[..., Tab]) -> Iterator[Callable[..., Notebook]]:
    opened: list[Notebook] = []

    def start(name: str, *cells: str, run: bool = True, **settings: Any) -> Notebook:
        url = lab.notebook(name, *cells) if cells else lab.address(name)
        notebook = Notebook(open_tab(url, **{"viewport": {"width": 1200, "height": 1000}} | settings), lab)
        opened.append(notebook)
        if run:
            notebook.run_all()
        return notebook

    yield start
    for notebook in opened:
        try:
            notebook.page.evaluate("() => window.jupyterapp?.serviceManager.sessions.shutdownAll()")
        except Error:
            continue
