/** What lies above the icons: outlines, class names, markers, the lasso, names of axes. */
import { toScreen, type Viewport, worldPx } from "./camera";
import { parseCellId } from "./cells";
import type { Palette } from "./colour";
import type { Context } from "./context";
import {
  type Line,
  labelOrder,
  labelScale,
  type Placed,
  Placement,
  shortName,
  visibleLabels,
} from "./labels";
import type { Point } from "./lasso";
import type { Grid } from "./paint";
import type { Scene } from "./renderer";
import type { Camera, Marker } from "./types";

/** Most words kept as pictures: writing text takes a processor longer than copying it. */
const WORDS_KEPT = 400;
/** Milliseconds of a frame for placing names. */
const PLACING = 1.5;
const FONT = '600 12px system-ui, -apple-system, "Segoe UI", sans-serif';

interface Word {
  canvas: HTMLCanvasElement;
  width: number;
  height: number;
}

/** Words as small pictures: white with a dark rim, legible on any icon. */
class Words {
  private readonly kept = new Map<string, Word>();
  private readonly widths = new Map<string, number>();
  private readonly measure = document.createElement("canvas").getContext("2d")!;

  width(text: string): number {
    const known = this.widths.get(text);
    if (known !== undefined) return known;
    this.measure.font = FONT;
    const { width } = this.measure.measureText(text);
    this.widths.set(text, width);
    return width;
  }

  get(text: string, ratio: number): Word {
    const key = `${ratio} ${text}`;
    const found = this.kept.get(key);
    if (found) return found;
    const width = Math.ceil(this.width(text)) + 10;
    const height = 22;
    const canvas = document.createElement("canvas");
    canvas.width = Math.ceil(width * ratio);
    canvas.height = Math.ceil(height * ratio);
    const context = canvas.getContext("2d")!;
    context.scale(ratio, ratio);
    context.font = FONT;
    context.textBaseline = "middle";
    context.lineJoin = "round";
    context.strokeStyle = "rgba(10, 12, 16, 0.28)";
    context.lineWidth = 6;
    context.strokeText(text, 5, height / 2);
    context.strokeStyle = "rgba(10, 12, 16, 0.78)";
    context.lineWidth = 3;
    context.strokeText(text, 5, height / 2);
    context.fillStyle = "#fff";
    context.fillText(text, 5, height / 2);
    if (this.kept.size >= WORDS_KEPT) this.kept.delete(this.kept.keys().next().value!);
    const word = { canvas, width, height };
    this.kept.set(key, word);
    return word;
  }
}

const rectangle = (id: string, camera: Camera, view: Viewport): [number, number, number] | null => {
  const parsed = parseCellId(id);
  if (!parsed) return null;
  const [size, cell] = parsed;
  const side = worldPx(camera, view) / size;
  const [x, y] = toScreen(camera, view, (cell % size) / size, Math.floor(cell / size) / size);
  if (x > view.width || y > view.height || x + side < 0 || y + side < 0) return null;
  return [x, y, side];
};

const outline = (
  context: CanvasRenderingContext2D,
  at: [number, number, number],
  colour: string,
  width: number,
): void => {
  const [x, y, side] = at;
  // A light and a dark line together are seen on any icon.
  context.lineWidth = width + 2.5;
  context.strokeStyle = "rgba(255, 255, 255, 0.92)";
  context.strokeRect(x - 1, y - 1, side + 2, side + 2);
  context.lineWidth = width;
  context.strokeStyle = colour;
  context.strokeRect(x - 1, y - 1, side + 2, side + 2);
};

const selected = (context: CanvasRenderingContext2D, ids: readonly string[], scene: Scene): void => {
  if (!ids.length) return;
  const set = new Set(ids);
  const edges = new Path2D();
  context.fillStyle = scene.palette.accent;
  context.globalAlpha = 0.22;
  for (const id of ids) {
    const at = rectangle(id, scene.camera, scene.view);
    if (!at) continue;
    const [x, y, side] = at;
    if (ids.length > 1) context.fillRect(x, y, side, side);
    const [size, cell] = parseCellId(id)!;
    const column = cell % size;
    // Only the rim of the whole is drawn.
    if (!set.has(`${size}/${cell - size}`)) edges.rect(x, y, side, 0);
    if (!set.has(`${size}/${cell + size}`)) edges.rect(x, y + side, side, 0);
    if (column === 0 || !set.has(`${size}/${cell - 1}`)) edges.rect(x, y, 0, side);
    if (column === size - 1 || !set.has(`${size}/${cell + 1}`)) edges.rect(x + side, y, 0, side);
  }
  context.globalAlpha = 1;
  context.lineWidth = 4;
  context.strokeStyle = "rgba(255, 255, 255, 0.9)";
  context.stroke(edges);
  context.lineWidth = 2;
  context.strokeStyle = scene.palette.accent;
  context.stroke(edges);
};

/** A marker's text, and where its middle is. */
const markerText = (marker: Marker, words: Words, scene: Scene): Line & { text: string } => {
  const text = shortName(marker.text.split(/[\\/]/).at(-1)!, 32);
  const [x, y] = toScreen(scene.camera, scene.view, marker.x, marker.y);
  const half = text ? words.width(text) / 2 : 0;
  return { text, x: x + 15 + half, y, half: half + 12 };
};

const markers = (
  context: CanvasRenderingContext2D,
  all: readonly Marker[],
  layer: string,
  scene: Scene,
  words: Words,
): void => {
  for (const marker of all) {
    if (marker.layer !== null && marker.layer !== layer) continue;
    const [x, y] = toScreen(scene.camera, scene.view, marker.x, marker.y);
    if (x < -40 || y < -40 || x > scene.view.width + 40 || y > scene.view.height + 40) continue;
    for (const [radius, width, colour] of [
      [8, 5, "rgba(0, 0, 0, 0.45)"],
      [8, 3.5, "#fff"],
      [8, 2, marker.colour],
    ] as const) {
      context.beginPath();
      context.arc(x, y, radius, 0, 2 * Math.PI);
      context.lineWidth = width;
      context.strokeStyle = colour;
      context.stroke();
    }
    const { text } = markerText(marker, words, scene);
    if (!text) continue;
    const word = words.get(text, scene.ratio);
    context.drawImage(word.canvas, x + 10, y - word.height / 2, word.width, word.height);
  }
};

const axes = (context: CanvasRenderingContext2D, host: Context, scene: Scene, words: Words): void => {
  const names = host.header().axes;
  if (!names) return;
  const { camera, view, palette } = scene;
  const side = worldPx(camera, view);
  const [left, top] = toScreen(camera, view, 0, 0);
  const middle = left + side / 2;
  context.strokeStyle = palette.quiet;
  context.lineWidth = 1;
  context.setLineDash([3, 4]);
  context.beginPath();
  context.moveTo(middle, Math.max(0, top));
  context.lineTo(middle, Math.min(view.height, top + side));
  context.stroke();
  context.setLineDash([]);
  /** Write beside a place, and always on the screen. */
  const write = (text: string, x: number, y: number, align: number): void => {
    const word = words.get(text, scene.ratio);
    const at = Math.max(6, Math.min(view.width - word.width - 6, x - word.width * align));
    const line = Math.max(8, Math.min(view.height - word.height - 8, y - word.height / 2));
    context.drawImage(word.canvas, at, line, word.width, word.height);
  };
  write(`← ${shortName(names.left)}`, left - 6, top + side / 2, 1);
  write(`${shortName(names.right)} →`, left + side + 6, top + side / 2, 0);
  if (names.vertical) write(`↕ ${names.vertical}`, middle, top - 4, 0.5);
};

/** The painter of one view. `line` is the lasso being drawn, in CSS pixels. */
export const overlay = (
  host: Context,
  line: () => readonly Point[],
): ((context: CanvasRenderingContext2D, scene: Scene) => void) => {
  const words = new Words();
  const orders = new WeakMap<Grid["cells"], Int32Array>();
  let placed: Placed[] = [];
  let placedFor = "";
  let placedOf: Grid["cells"] | null = null;
  let placing: Placement | null = null;
  const names = (context: CanvasRenderingContext2D, grid: Grid, scene: Scene): void => {
    const { store } = host;
    const { camera, view } = scene;
    // A heat map is about one class: other names would be in its way.
    if (!store.state.options.labels || !host.layer().labels || !host.header().classes || grid.style.heat)
      return;
    let order = orders.get(grid.cells);
    if (!order) {
      order = labelOrder(grid);
      orders.set(grid.cells, order);
    }
    const text = (index: number): string => shortName(host.className(index));
    const scale = labelScale(worldPx(camera, view));
    const key = `${grid.layer} ${grid.info.size} ${grid.version} ${scale}`;
    if (key !== placedFor) {
      placedFor = key;
      // Names of another level or layer would be wrong; those of another scale stand in.
      if (placedOf !== grid.cells) placed = [];
      placedOf = grid.cells;
      placing = new Placement(grid, order, scale, (index) => words.width(text(index)));
    }
    if (placing?.run(performance.now() + PLACING)) {
      placed = placing.placed;
      placing = null;
    }
    if (placing) host.redraw();
    const taken = host.header().markers.map((marker) => markerText(marker, words, scene));
    for (const label of visibleLabels(placed, grid.info.size, camera, view, taken)) {
      const word = words.get(text(label.classIndex), scene.ratio);
      const x = Math.round(label.x - word.width / 2);
      context.drawImage(word.canvas, x, Math.round(label.y - word.height / 2), word.width, word.height);
    }
  };
  return (context, scene) => {
    const { state } = host.store;
    const palette: Palette = scene.palette;
    selected(context, state.selection, scene);
    if (scene.grid) names(context, scene.grid, scene);
    axes(context, host, scene, words);
    markers(context, host.header().markers, host.layer().name, scene, words);
    for (const [id, colour, width] of [
      [state.hovered, palette.dark ? "#0b0c0e" : "#16181b", 2],
      [state.cursor, palette.accent, 3],
      [state.pinned, palette.accent, 3],
    ] as const) {
      const at = id ? rectangle(id, scene.camera, scene.view) : null;
      if (at) outline(context, at, colour, width);
    }
    const points = line();
    if (points.length > 1) {
      context.beginPath();
      for (const [x, y] of points) context.lineTo(x, y);
      context.closePath();
      context.fillStyle = palette.accent;
      context.globalAlpha = 0.15;
      context.fill();
      context.globalAlpha = 1;
      context.strokeStyle = palette.accent;
      context.lineWidth = 1.5;
      context.setLineDash([5, 4]);
      context.stroke();
      context.setLineDash([]);
    }
  };
};
