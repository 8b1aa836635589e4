"""The view where VS Code's notebooks put it: its policy, its theme, its elements, anywidget's protocol.

VS Code is not here; what its notebooks do is written down from its sources (backLayerWebView.ts and
webviewPreloads.ts):
outputs in one page, `.cell_container > .output_container > .output`, colours as `--vscode-*` on the root element, the
kind of theme as a class and an attribute of the body, and the policy of its setting `notebook.experimental.enableCsp`.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from atlas.export.bundle import bundle_file
from atlas.widgets.still import picture_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page, Route

    from atlas.atlas import Atlas
    from atlas.widgets import AtlasView
    from tests.browser.conftest import Tab

HOST = "https://webview.test/"
#: No blob, no worker, no frame and nothing from elsewhere but what comes from the editor itself.
POLICY = (
    f"default-src 'none'; script-src {HOST} 'unsafe-inline' 'unsafe-eval'; style-src {HOST} 'unsafe-inline'; "
    f"img-src {HOST} https: http: data:; font-src {HOST} https:; connect-src https:; child-src https: data:"
)
PAGE = f"""<!doctype html><html><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<style>/*css*/</style></head>
<body class="vscode-light" data-vscode-theme-kind="vscode-light" style="overflow: hidden">
<div id="container" class="widgetarea" style="position: absolute; width: 100%; top: 0">
  <div class="cell_container">
    <div class="output_container"><div class="output"><div class="output-item" id="view"></div></div></div>
    <div class="output_container"><div class="output"><div class="output-item">
      <img id="still" alt="picture" src="data:image/png;base64,/*png*/"></div></div></div>
  </div>
  <div class="cell_container">
    <div class="output_container"><div class="output"><div class="output-item">
      <img id="other" alt="another cell's" src="data:image/png;base64,/*png*/"></div></div></div>
  </div>
</div></body></html>"""

#: What anywidget gives a view: a model whose messages go to Python and come from there.
MOUNT = """async traits => {
    window.refused = [];
    document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
        refused.push(`${violatedDirective} ${blockedURI}`));
    const heard = new Map();
    const bytes = text => new DataView(Uint8Array.from(atob(text), letter => letter.charCodeAt(0)).buffer);
    window.model = {
        get: name => traits[name],
        set: (name, value) => { traits[name] = value; model.tell(`change:${name}`); },
        save_changes: () => window.toPython({ traits: { ...traits, header: undefined } }),
        on: (name, listener) => heard.set(name, [...(heard.get(name) ?? []), listener]),
        off: (name, listener) => heard.set(name, (heard.get(name) ?? []).filter(one => listener && one !== listener)),
        tell: (name, ...args) => { for (const listener of heard.get(name) ?? []) listener(...args); },
        send: async content => {
            const [answer, buffers] = await window.toPython({ content });
            model.tell("msg:custom", answer, buffers.map(bytes));
        },
    };
    const module = await import("/viewer.js");
    const widget = await module.default();
    const ending = new AbortController();
    window.close = () => ending.abort();
    await widget.initialize({ model, signal: ending.signal });
    await widget.render({ model, el: document.getElementById("view"), signal: ending.signal });
}"""
LIGHT = {"--vscode-editor-background": "#ffffff", "--vscode-foreground": "#3b3b3b"}
DARK = {"--vscode-editor-background": "#1f1f1f", "--vscode-foreground": "#cccccc"}
CONTRAST = {"--vscode-editor-background": "#000000", "--vscode-foreground": "#ffffff"}


def theme(page: Page, kind: str, colours: dict[str, str]) -> None:
    """Change the theme as VS Code does: classes and attribute of the body first, colours after."""
    page.evaluate(
        """([kind, colours]) => {
            document.body.classList.remove("vscode-light", "vscode-dark", "vscode-high-contrast");
            document.body.classList.add(kind);
            document.body.dataset.vscodeThemeKind = kind;
            const { style } = document.documentElement;
            for (const [name, value] of Object.entries(colours)) style.setProperty(name, value);
        }""",
        [kind, colours],
    )


@pytest.fixture
def view(deep_atlas: Atlas) -> AtlasView:
    return deep_atlas.view()


@pytest.fixture
def tab(view: AtlasView, open_tab: Callable[..., Tab]) -> Tab:
    """A webview with the view in it, answered by the widget's own Python."""
    png = base64.b64encode(picture_of(view)["image/png"]).decode()
    page_text = PAGE.replace("/*png*/", png).replace("/*css*/", bundle_file("viewer.css").read_text(encoding="utf-8"))

    def serve(route: Route) -> None:
        name = route.request.url.removeprefix(HOST)
        if name == "viewer.js":
            route.fulfill(body=bundle_file(name).read_bytes(), content_type="text/javascript")
        elif name:
            route.fulfill(status=404)
        else:
            route.fulfill(body=page_text, content_type="text/html")

    def to_python(said: dict[str, Any]) -> Any:
        if "content" not in said:
            view.set_state({name: value for name, value in said["traits"].items() if value is not None})
            return None
        answer, buffers = view._answers(said["content"])
        return [answer, [base64.b64encode(buffer).decode() for buffer in buffers]]

    # The system prefers what the editor does not show.
    tab = open_tab(None, color_scheme="dark", viewport={"width": 900, "height": 800}, reduced_motion="reduce")
    tab.page.expose_function("toPython", to_python)
    tab.page.route("**", serve)
    tab.page.goto(HOST)
    theme(tab.page, "vscode-light", LIGHT)
    tab.page.evaluate(MOUNT, {name: value for name, value in view.get_state().items() if not name.startswith("_")})
    tab.ready()
    return tab


def test_a_view_needs_nothing_that_vs_code_forbids(tab: Tab, view: AtlasView, deep_atlas: Atlas) -> None:
    page = tab.page
    stage = page.locator(".aa-stage")
    stage.focus()
    page.evaluate("() => model.set('camera', [0.25, 0.75, 8])")
    tab.at_level(32)
    cell = 24 * 32 + 8
    assert cell in deep_atlas.level(32).grid.cell
    box = stage.bounding_box()
    assert box is not None
    stage.click(position={"x": box["width"] / 2 + 4, "y": box["height"] / 2 + 4})
    page.wait_for_function(f"() => model.get('selection')[0] === '32/{cell}'")
    page.get_by_label("Find a class and show its heat map").fill("bee")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Legend", exact=True)).to_contain_text("bee")
    tab.ready()
    page.evaluate("() => window.toPython({ traits: { selection: model.get('selection') } })")
    assert view.selection.ids == (f"32/{cell}",)
    assert view.selection.vectors.shape == (1, 16)
    assert page.evaluate("() => window.refused") == []
    assert tab.errors == []
    assert set(tab.requests) <= {HOST, f"{HOST}viewer.js"} | {url for url in tab.requests if url.startswith("data:")}


def test_a_view_follows_the_theme_of_vs_code_whatever_the_system_prefers(tab: Tab) -> None:
    page = tab.page
    background = (
        "() => Math.max(...getComputedStyle(document.querySelector('.aa-root')).backgroundColor.match(/\\d+/g))"
    )
    kinds = (
        ("vscode-light", LIGHT),
        ("vscode-dark", DARK),
        ("vscode-high-contrast", CONTRAST),
        ("vscode-light", LIGHT),
    )
    for kind, colours in kinds:
        theme(page, kind, colours)
        light = kind == "vscode-light"
        page.wait_for_selector(f'.aa-root[data-aa-theme="{"light" if light else "dark"}"]')
        page.wait_for_function(f"() => ({background})() {'> 180' if light else '< 80'}")
        tab.ready()
    assert tab.errors == []


def test_the_still_picture_hides_while_the_view_lives_and_no_other_does(tab: Tab) -> None:
    page = tab.page
    expect(page.locator("#still")).to_be_hidden()
    expect(page.locator("#other")).to_be_visible()
    page.evaluate("() => window.close()")
    expect(page.locator(".aa-root")).to_have_count(0)
    expect(page.locator("#still")).to_be_visible()
