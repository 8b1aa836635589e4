/** Where one is: the whole atlas in a corner, with a frame that can be dragged. */
import { visibleWorld } from "./camera";
import { type Palette, SCALE, scaleStep } from "./colour";
import type { Context } from "./context";
import { h } from "./dom";
import type { Grid } from "./paint";

const SIDE = 112;
/** Share of the map that the atlas takes. */
const INNER = 0.9;

/** Colours as red, green, blue and opacity, four bytes each. */
const bytesOf = (colours: readonly string[]): Uint8ClampedArray => {
  const canvas = document.createElement("canvas");
  canvas.width = colours.length;
  canvas.height = 1;
  const context = canvas.getContext("2d", { willReadFrequently: true })!;
  colours.forEach((colour, i) => {
    context.fillStyle = colour;
    context.fillRect(i, 0, 1, 1);
  });
  return context.getImageData(0, 0, colours.length, 1).data;
};

/** One pixel a cell: how full it is, or its attribution while there is a heat map. */
const plot = (grid: Grid, ink: string): HTMLCanvasElement => {
  const { cells, info, style } = grid;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = info.size;
  const context = canvas.getContext("2d")!;
  const most = Math.log1p(cells.range(cells.count)[1]);
  const colours = bytesOf(style.heat ? SCALE : [ink]);
  const pixels = context.createImageData(info.size, info.size);
  for (let i = 0; i < cells.n; i++) {
    const heat = style.heat?.[i];
    const from = heat === undefined ? 0 : 4 * scaleStep(heat);
    const to = 4 * cells.cell[i]!;
    const share = heat === undefined ? 0.25 + (0.6 * Math.log1p(cells.count[i]!)) / most : 1;
    for (let channel = 0; channel < 3; channel++) pixels.data[to + channel] = colours[from + channel]!;
    pixels.data[to + 3] = colours[from + 3]! * share * Math.max(0.12, style.alpha[i]!);
  }
  context.putImageData(pixels, 0, 0);
  return canvas;
};

export const makeMinimap = (context: Context): { element: HTMLElement; draw: (palette: Palette) => void } => {
  const { store, signal } = context;
  const canvas = h("canvas", { "aria-hidden": "true" });
  const element = h("div", { class: "aa-minimap aa-panel", title: "Drag to move" }, canvas);
  let plotted: HTMLCanvasElement | null = null;
  let stamp = "";

  /** Middle of the map's world, in its pixels. */
  const place = (value: number): number => SIDE / 2 + (value - 0.5) * SIDE * INNER;

  const goTo = (event: PointerEvent): void => {
    const box = canvas.getBoundingClientRect();
    const at = (client: number, start: number, length: number): number =>
      Math.min(1, Math.max(0, ((client - start) / length - 0.5) / INNER + 0.5));
    const { camera } = store.state;
    const moved = [at(event.clientX, box.left, box.width), at(event.clientY, box.top, box.height)] as const;
    context.fly([moved[0] - grip[0], moved[1] - grip[1], camera[2]], 0);
  };
  // Where the frame was taken hold of, so that it does not jump.
  let grip: [number, number] = [0, 0];
  element.addEventListener(
    "pointerdown",
    (event) => {
      element.setPointerCapture(event.pointerId);
      const box = canvas.getBoundingClientRect();
      const x = ((event.clientX - box.left) / box.width - 0.5) / INNER + 0.5;
      const y = ((event.clientY - box.top) / box.height - 0.5) / INNER + 0.5;
      const [left, top, right, bottom] = visibleWorld(store.state.camera, context.view());
      const held = x >= left && x <= right && y >= top && y <= bottom;
      grip = held ? [x - store.state.camera[0], y - store.state.camera[1]] : [0, 0];
      goTo(event);
    },
    { signal },
  );
  element.addEventListener(
    "pointermove",
    (event) => {
      if (element.hasPointerCapture(event.pointerId)) goTo(event);
    },
    { signal },
  );
  signal.addEventListener("abort", () => {
    canvas.width = 0;
    if (plotted) plotted.width = 0;
  });

  const draw = (palette: Palette): void => {
    const grid = context.grid();
    if (!grid) return;
    const wanted = `${grid.layer} ${grid.info.size} ${grid.version} ${palette.ink}`;
    if (wanted !== stamp) {
      stamp = wanted;
      if (plotted) plotted.width = 0;
      plotted = plot(grid, palette.ink);
    }
    const ratio = Math.min(2, devicePixelRatio || 1);
    if (canvas.width !== SIDE * ratio) canvas.width = canvas.height = SIDE * ratio;
    const to = canvas.getContext("2d")!;
    to.setTransform(ratio, 0, 0, ratio, 0, 0);
    to.clearRect(0, 0, SIDE, SIDE);
    to.imageSmoothingEnabled = false;
    to.drawImage(plotted!, place(0), place(0), SIDE * INNER, SIDE * INNER);
    const [left, top, right, bottom] = visibleWorld(store.state.camera, context.view());
    const clip = (value: number): number => Math.min(SIDE - 1, Math.max(1, place(value)));
    const [x, y] = [clip(left), clip(top)];
    const [w, hh] = [Math.max(4, clip(right) - x), Math.max(4, clip(bottom) - y)];
    // Around everything a frame says nothing.
    if (left > 0 || top > 0 || right < 1 || bottom < 1) {
      to.lineWidth = 3.5;
      to.strokeStyle = palette.plate;
      to.strokeRect(x, y, w, hh);
      to.lineWidth = 1.75;
      to.strokeStyle = palette.accent;
      to.strokeRect(x, y, w, hh);
    }
  };
  return { element, draw };
};
