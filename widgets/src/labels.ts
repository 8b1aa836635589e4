/** Which class names are written on the picture, and where: thinned by the space there is. Pure. */
import { toScreen, type Viewport, worldPx } from "./camera";
import type { Grid } from "./tiles";
import type { Camera } from "./types";

export interface Label {
  row: number;
  classIndex: number;
  /** Centre of the text, CSS pixels. */
  x: number;
  y: number;
}

/** CSS pixels of the view for one label. */
const AREA = 21000;
/** The same name is not written again closer than this, CSS pixels. */
const REPEAT = 260;
const [PAD_X, PAD_Y, HEIGHT] = [16, 14, 16];
/** Cells at least this large carry their name at their foot, CSS pixels. */
const FOOT = 72;

/** Rows with a class, the ones to name first in front: strong attribution, many members. */
export const labelOrder = ({ cells }: Pick<Grid, "cells">): Int32Array => {
  const rows: number[] = [];
  const score = new Float32Array(cells.n);
  if (!cells.top) return new Int32Array(0);
  for (let i = 0; i < cells.n; i++) {
    const value = cells.topValue[i * cells.top]!;
    if (cells.topClass[i * cells.top]! < 0 || !(value > 0)) continue;
    score[i] = value * Math.sqrt(cells.count[i]!);
    rows.push(i);
  }
  return Int32Array.from(rows.sort((a, b) => score[b]! - score[a]!));
};

/** A place that something else has: the middle of a line of text, and half its length. */
export interface Taken {
  x: number;
  y: number;
  half: number;
}

/**
 * Names in the order of their weight, each where it meets no other and nothing that is there already.
 *
 * @param width CSS pixels that the name of a class takes
 */
export const placeLabels = (
  grid: Pick<Grid, "cells" | "style" | "info">,
  order: Int32Array,
  camera: Camera,
  view: Viewport,
  width: (classIndex: number) => number,
  taken: readonly Taken[] = [],
): Label[] => {
  const { cells, style, info } = grid;
  const cellPx = worldPx(camera, view) / info.size;
  const most = Math.max(4, Math.round((view.width * view.height) / AREA));
  const foot = cellPx >= FOOT ? cellPx / 2 - HEIGHT * 0.75 : 0;
  const placed: (Label & { half: number })[] = [];
  for (const row of order) {
    if (placed.length >= most) break;
    if (style.alpha[row]! < 0.5) continue;
    const [wx, wy] = cells.centre(row);
    const [x, cy] = toScreen(camera, view, wx, wy);
    const y = cy + foot;
    if (x < 0 || y < 8 || x > view.width || y > view.height - 8) continue;
    const classIndex = cells.topClass[row * cells.top]!;
    const half = width(classIndex) / 2;
    const meets = (other: Taken): boolean =>
      Math.abs(other.x - x) < half + other.half + PAD_X && Math.abs(other.y - y) < HEIGHT + PAD_Y;
    if (taken.some(meets)) continue;
    const crowded = placed.some(
      (other) =>
        meets(other) || (other.classIndex === classIndex && Math.hypot(other.x - x, other.y - y) < REPEAT),
    );
    if (!crowded) placed.push({ row, classIndex, x, y, half });
  }
  return placed.map(({ row, classIndex, x, y }) => ({ row, classIndex, x, y }));
};

/** A class name as it is written in the picture: its first synonym, not too long. */
export const shortName = (name: string, most = 26): string => {
  const first = name.split(",")[0]!.trim();
  return first.length > most ? `${first.slice(0, most - 1).trimEnd()}…` : first;
};
