/** What lies above the icons: outlines, class names, markers, the lasso, names of axes. */

import { axes } from "./axes";
import { toScreen, type Viewport, worldPx } from "./camera";
import { parseCellId } from "./cells";
import type { Palette } from "./colour";
import type { Context } from "./context";
import { covered } from "./dom";
import {
  type Box,
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
import { Words } from "./words";

/** Milliseconds of a frame for placing names. */
const PLACING = 1.5;
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
  const names = (
    context: CanvasRenderingContext2D,
    grid: Grid,
    scene: Scene,
    panels: readonly Box[],
  ): void => {
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
    for (const label of visibleLabels(placed, grid.info.size, camera, view, taken, panels)) {
      const word = words.get(text(label.classIndex), scene.ratio);
      const x = Math.round(label.x - word.width / 2);
      context.globalAlpha = label.opacity;
      context.drawImage(word.canvas, x, Math.round(label.y - word.height / 2), word.width, word.height);
    }
    context.globalAlpha = 1;
  };
  return (context, scene) => {
    const { state } = host.store;
    const palette: Palette = scene.palette;
    selected(context, state.selection, scene);
    const panels = covered(host.root);
    axes(context, host, scene, words, panels);
    if (scene.grid) names(context, scene.grid, scene, panels);
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
