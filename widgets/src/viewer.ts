/** One view: the store, the picture and everything around it, put together. */
import { clampCamera, maxZoom, type Viewport, worldPx } from "./camera";
import { type Palette, readPalette } from "./colour";
import type { Context } from "./context";
import { h } from "./dom";
import { flyer } from "./fly";
import { attachGestures } from "./gestures";
import { Levels } from "./levels";
import { CrossFade, chooseLevel } from "./lod";
import { REST_AFTER, Renderer, type Scene } from "./renderer";
import type { Sheets } from "./sheets";
import type { Source } from "./source";
import { Store } from "./store";
import { readTraits, syncTraits } from "./sync";
import { followTheme, reducedMotion } from "./theme";
import type { Header, LayerInfo, Model } from "./types";

const FADE_MS = 180;
/** Device pixels that a canvas may have: beyond it, sharper costs more than it shows. */
const MOST_PIXELS = 9e6;

export interface Parts {
  model: Model;
  el: HTMLElement;
  source: Source;
  sheets: Sheets;
  signal: AbortSignal;
}

export const openView = ({ model, el, source, sheets, signal }: Parts): void => {
  const store = new Store(readTraits(model));
  const header = (): Header => model.get("header") as Header;
  const layer = (): LayerInfo =>
    header().layers.find((one) => one.name === store.state.layer) ?? header().layers[0]!;

  const canvas = h("canvas", { class: "aa-canvas" });
  const stage = h("div", { class: "aa-stage", tabindex: "0", role: "application" }, canvas);
  const live = h("div", { class: "aa-sr", "aria-live": "polite" });
  const notices = h("div", { class: "aa-notices", role: "status" });
  const root = h("div", { class: "aa-root" }, stage, notices, live);
  el.replaceChildren(root);
  signal.addEventListener("abort", () => root.remove());

  const fail = (text: string): void => {
    if ([...notices.children].some((one) => one.firstChild?.textContent === text)) return;
    const close = h(
      "button",
      { type: "button", "aria-label": "Dismiss", onclick: () => notice.remove() },
      "×",
    );
    const notice = h("div", { class: "aa-notice" }, h("span", {}, text), close);
    notices.append(notice);
  };

  let renderer: Renderer;
  try {
    renderer = new Renderer(canvas, sheets);
  } catch {
    fail(
      "This browser has no 2D canvas, which the atlas is drawn on: turn it on, or open the atlas elsewhere.",
    );
    return;
  }

  let frame = 0;
  let moved = Number.NEGATIVE_INFINITY;
  let rest: ReturnType<typeof setTimeout> | undefined;
  let palette: Palette = readPalette(root);
  const view: Viewport = { width: 1, height: 1 };
  const fade = new CrossFade(FADE_MS);
  const redraw = (): void => {
    if (!frame && !signal.aborted) frame = requestAnimationFrame(draw);
  };
  const levels = new Levels(source, store.state.options, redraw, fail);
  sheets.attach(redraw, fail, signal, () => {});

  const context: Context = {
    root,
    stage,
    store,
    source,
    signal,
    header,
    layer,
    grid: () => levels.get(layer(), store.state.shown),
    view: () => view,
    maxZoom: () => maxZoom(layer().levels.at(-1)?.size ?? 1),
    redraw,
    fly: (camera, seconds) => fly.to(camera, seconds),
    say: (text) => {
      live.textContent = text;
    },
    fail,
    className: (index) => header().classes?.[index] ?? `class ${index}`,
    attribution: () => {
      const grid = context.grid();
      return grid && levels.attribution(grid);
    },
  };
  const fly = flyer(context);

  const ratio = (): number => {
    const most = Math.sqrt(MOST_PIXELS / Math.max(1, view.width * view.height));
    return Math.max(1, Math.min(devicePixelRatio || 1, most));
  };

  function draw(now: number): void {
    frame = 0;
    const { camera, level } = store.state;
    const sizes = layer().levels.map((one) => one.size);
    const wanted = sizes.includes(level)
      ? level
      : chooseLevel(sizes, worldPx(camera, view), store.state.shown);
    if (wanted !== store.state.shown) store.set({ shown: wanted });
    const grid = levels.get(layer(), wanted);
    if (grid) fade.show(wanted, now, reducedMotion());
    const below = fade.previous ? levels.get(layer(), fade.previous) : null;
    const resting = now - moved >= REST_AFTER;
    const scene: Scene = {
      camera,
      view,
      ratio: ratio(),
      palette,
      grid: grid ?? below,
      below,
      opacity: fade.opacity(now),
      resting,
    };
    const more = renderer.draw(scene, () => {});
    if (more) redraw();
    if (!resting) {
      clearTimeout(rest);
      rest = setTimeout(redraw, REST_AFTER + 10);
    }
  }

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
      maxZoom: context.maxZoom,
      wheel: () => store.state.focused || !header().kernel,
      wheelRefused: () => {},
      dragTaken: () => store.state.lasso,
      reducedMotion,
    },
    signal,
  );
  let byGesture = false;

  store.on((changed) => {
    if (changed.has("camera")) {
      moved = performance.now();
      if (!byGesture) gestures.sync();
    }
    if (changed.has("options") || changed.has("class_name")) {
      levels.restyle(store.state.options, header().classes?.indexOf(store.state.class_name) ?? -1);
    }
    redraw();
  }, signal);

  const resized = new ResizeObserver(() => {
    view.width = Math.max(1, stage.clientWidth);
    view.height = Math.max(1, stage.clientHeight);
    store.set({ camera: clampCamera(store.state.camera, context.maxZoom()) });
    gestures.sync();
    if (frame) cancelAnimationFrame(frame);
    draw(performance.now());
  });
  resized.observe(stage);
  stage.addEventListener("focus", () => store.set({ focused: true }), { signal });
  stage.addEventListener("blur", () => store.set({ focused: false }), { signal });
  followTheme(
    root,
    () => {
      palette = readPalette(root);
      levels.repaint();
      redraw();
    },
    signal,
  );
  syncTraits(store, model, signal);
  const refreshed = (): void => redraw();
  model.on("change:header", refreshed);
  signal.addEventListener("abort", () => {
    model.off("change:header", refreshed);
    cancelAnimationFrame(frame);
    clearTimeout(rest);
    resized.disconnect();
    renderer.close();
    levels.closeAll();
  });
};
