/** One view: the store, the picture and everything around it, put together. */
import { attachAddress, copyAddress } from "./address";
import { clampCamera, maxZoom, type Viewport, zoomAt } from "./camera";
import { makeCaption } from "./caption";
import { makeCard } from "./card";
import { strongest } from "./classes";
import type { Context } from "./context";
import { makeControls } from "./controls";
import { h } from "./dom";
import { spritePlace } from "./drawlist";
import { hidePicture } from "./fallback";
import { flyer } from "./fly";
import { attachGestures } from "./gestures";
import { attachKeyboard, onCell } from "./keyboard";
import { makeLegend } from "./legend";
import { Levels } from "./levels";
import { attachLink } from "./link";
import type { Live, LiveView } from "./live";
import { makeMinimap } from "./minimap";
import { makeNotices } from "./notices";
import { overlay } from "./overlay";
import { placeOf } from "./paint";
import { makeDisplay, makeHelp } from "./panels";
import { Picture } from "./picture";
import { attachPointer } from "./pointer";
import { makeSearch } from "./search";
import { sharedSheets } from "./sheets";
import type { Source } from "./source";
import type { Kernel } from "./source-kernel";
import { Store } from "./store";
import { readTraits, syncTraits } from "./sync";
import { followTheme, reducedMotion } from "./theme";
import type { Header, LayerInfo, Model } from "./types";

export interface Parts {
  model: Model;
  el: HTMLElement;
  source: Source;
  /** What a kernel pushes; null in a page. */
  live: Live | null;
  kernel: Kernel | null;
  /** Whether a page's address bar is this view's; by default it is. */
  address?: boolean;
  signal: AbortSignal;
}

/** JupyterLab's own shortcuts leave the keys to whoever says this. */
const KEYS_ARE_OURS = { "data-lm-suppress-shortcuts": "true" };

const SILENT =
  "The kernel does not answer: it may be busy, stopped or restarted. What is here stays; run the cell again.";

/** Show an atlas in `el` until `signal` ends. */
export const openView = ({ model, el, source, live, kernel, address = true, signal }: Parts): void => {
  const store = new Store(readTraits(model));
  const header = (): Header => model.get("header") as Header;
  const layer = (): LayerInfo =>
    header().layers.find((one) => one.name === store.state.layer) ?? header().layers[0]!;
  const own = !header().kernel && window.top === window;
  const sheets = sharedSheets(header().id);
  const view: Viewport = { width: 1, height: 1 };

  const canvas = h("canvas", { class: "aa-canvas", "aria-hidden": "true" });
  const stage = h("div", { class: "aa-stage", tabindex: "0", role: "application" }, canvas);
  const look = `aa-root${header().kernel ? "" : " aa-page"}${own ? " aa-own" : ""}`;
  const root = h(
    "div",
    { class: look, role: "region", "aria-label": "Activation atlas", ...KEYS_ARE_OURS },
    stage,
  );
  const notices = makeNotices();
  root.append(...notices.elements);
  el.replaceChildren(root);
  el.classList.add("aa-host");
  signal.addEventListener("abort", () => root.remove());

  const context: Context = {
    root,
    stage,
    store,
    source,
    signal,
    header,
    layer,
    grid: () => levels.get(layer(), store.state.shown),
    gridOf: (size) => levels.get(layer(), size),
    view: () => view,
    maxZoom: () => maxZoom(layer().levels.at(-1)?.size ?? 1),
    redraw: () => picture?.redraw(),
    fly: (camera, seconds) => fly.to(camera, seconds),
    flying: () => fly.flying(),
    say: notices.say,
    fail: notices.fail,
    className: (index) => header().classes?.[index] ?? `class ${index}`,
    attribution: (of) => {
      const grid = of ?? context.grid();
      return grid && levels.attribution(grid);
    },
  };
  if (!header().layers.length) {
    notices.fail("This atlas has no layers to show: build it again.");
    return;
  }

  const fly = flyer(context);
  const levels = new Levels(source, sheets.pictures, store.state.options, {
    changed: () => context.redraw(),
    failed: notices.nag,
    loaded: (name, size) => live?.replay(name, size, pushed),
    settled: (name, size) => live?.finished(name, size),
    sharpened: (grid, row) => {
      card.sharpened(row);
      picture?.refresh(grid, row);
    },
  });
  const restyle = (): void => {
    const index = header().classes?.indexOf(store.state.class_name) ?? -1;
    levels.restyle(store.state.options, layer().attributions ? index : -1);
  };
  restyle();

  const pointer = attachPointer(context);
  const card = makeCard(context, sheets);
  const legend = makeLegend(context, () => toStrongest());
  const minimap = makeMinimap(context);
  const caption = makeCaption(context);
  // Flies as soon as the attribution is here.
  let flying = false;
  const search = makeSearch(context, () => {
    best = -1;
    flying = true;
    context.redraw();
  });
  const display = makeDisplay(context);
  const copyLink = async (): Promise<void> => {
    const said = await copyAddress(store.state);
    notices.hint(said);
    context.say(said);
  };
  const controls = makeControls(context, {
    panel: display.element,
    help: makeHelp(context),
    copyLink: own && address ? copyLink : null,
  });
  // Parts are brought up to date when what they show has changed, not with every frame.
  let stale = true;
  let shownVersion = "";
  const update = (): void => {
    const grid = context.grid();
    const version = `${grid?.layer} ${grid?.version} ${store.state.shown}`;
    if (flying && context.attribution()) {
      flying = false;
      toStrongest();
    }
    card.update();
    if (!stale && version === shownVersion) return;
    stale = false;
    shownVersion = version;
    for (const part of [controls, search, legend, display, caption]) part.update();
  };

  let picture: Picture | undefined;
  try {
    picture = new Picture(context, canvas, sheets, levels, overlay(context, pointer.line), (palette) => {
      minimap.draw(palette);
      const wanted = card.wanted();
      const { grid, row } = wanted ?? {};
      const sheet = grid?.info.icons ? spritePlace(grid.info, placeOf(grid, row!)).sheet : -1;
      sheets.want(
        card,
        grid && sheet >= 0 ? [{ layer: grid.layer, info: grid.info, sheet, mip: 0, since: 0 }] : [],
      );
      update();
    });
  } catch {
    notices.fail(
      "This browser has no 2D canvas, which the atlas is drawn on: turn it on, or open the atlas elsewhere.",
    );
    return;
  }
  const side = h("div", { class: "aa-side" }, search.element, legend.element);
  stage.before(side);
  stage.after(card.element, ...controls.elements, minimap.element, caption.element);

  /** The strongest cells of the class, one after the other. */
  let best = -1;
  const toStrongest = (): void => {
    const grid = context.grid();
    const values = context.attribution();
    if (!grid || !values) return;
    const rows = strongest(grid.cells, grid.info.size, values, 8);
    best = (best + 1) % Math.max(1, rows.length);
    const row = rows[best];
    if (row === undefined) return;
    const { size } = grid.info;
    const cell = grid.cells.cell[row]!;
    store.set({ cursor: `${size}/${cell}`, pinned: `${size}/${cell}`, level: store.state.level });
    fly.to(onCell(context, size, cell));
  };

  let byGesture = false;
  const gestures = attachGestures(
    stage,
    {
      view: () => view,
      camera: () => store.state.camera,
      move: (camera) => {
        byGesture = true;
        fly.stop();
        store.set({ camera });
        byGesture = false;
      },
      closer: (x, y, factor) => {
        const zoom = Math.min(context.maxZoom(), store.state.camera[2] * factor);
        fly.to(zoomAt(store.state.camera, view, x, y, zoom), 0.25);
      },
      maxZoom: context.maxZoom,
      focused: () => store.state.focused || own,
      wheelRefused: () =>
        notices.hint("Click the atlas, then the wheel zooms  ·  Ctrl + wheel zooms at once"),
      dragTaken: () => store.state.lasso,
      reducedMotion,
    },
    signal,
  );
  attachKeyboard(context, { renderLarge: card.renderLarge, search: search.focus });
  attachLink(store, signal);

  store.on((changed) => {
    if (changed.has("camera")) {
      picture.moving();
      if (!byGesture) gestures.sync();
    }
    if (changed.has("options") || changed.has("class_name") || changed.has("layer")) restyle();
    // Whoever moves on before the attribution is here is not pulled away from there.
    if (changed.has("class_name") || changed.has("cursor") || changed.has("layer") || byGesture)
      flying = false;
    if (changed.has("lasso")) root.classList.toggle("aa-lassoing", store.state.lasso);
    if (changed.has("focused")) root.classList.toggle("aa-focused", store.state.focused);
    if ([...changed].some((name) => name !== "camera" && name !== "hovered")) stale = true;
    if (changed.has("hovered") || changed.has("lasso"))
      stage.style.cursor = store.state.lasso ? "crosshair" : store.state.hovered ? "pointer" : "";
    picture.redraw();
  }, signal);

  const resized = new ResizeObserver(() => {
    view.width = Math.max(1, stage.clientWidth);
    view.height = Math.max(1, stage.clientHeight);
    store.set({ camera: clampCamera(store.state.camera, context.maxZoom()) });
    gestures.sync();
    picture.now();
  });
  resized.observe(stage);
  // The page was zoomed or came to another screen.
  addEventListener("resize", () => picture.redraw(), { signal });
  // Asked of the element: in a shadow tree, as marimo has, the document names the tree's host alone.
  const focus = (): void => store.set({ focused: root.matches(":focus-within") });
  root.addEventListener("focusin", focus, { signal });
  root.addEventListener("focusout", () => queueMicrotask(focus), { signal });
  followTheme(root, () => picture.rethemed(), signal);

  const pushed: LiveView = {
    progress: notices.progress,
    icon: (name, size, row, icon) => levels.live(name, size, row, icon),
    fly: fly.to,
  };
  live?.attach(pushed, signal);
  source.onCells?.((name, size, cells) => levels.replace(name, size, cells), signal);
  kernel?.onSilence((silent) => (silent ? notices.nag(SILENT) : notices.over(SILENT)), signal);
  sheets.attach({ source, arrived: () => picture.redraw(), failed: notices.nag }, signal);
  syncTraits(store, model, signal);
  const inHeader = (): void => {
    stale = true;
    restyle();
    picture.redraw();
  };
  model.on("change:header", inHeader);
  if (kernel) hidePicture(el, signal);
  if (own && address) attachAddress(store, header, notices.fail, signal);
  signal.addEventListener("abort", () => {
    model.off("change:header", inHeader);
    resized.disconnect();
    levels.closeAll();
  });
};
