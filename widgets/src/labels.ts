/** Which class names are written on the picture, and where: thinned by the space there is. Pure. */
import { type Viewport, worldPx } from "./camera";
import type { Grid } from "./paint";
import type { Camera } from "./types";

/** A name and its place in the world. */
export interface Placed {
  row: number;
  classIndex: number;
  x: number;
  y: number;
  /** Half its width, CSS pixels. */
  half: number;
}

/** A line of text on the screen: its middle and half its length, CSS pixels. */
export interface Line {
  x: number;
  y: number;
  half: number;
}

/** The same name is not written again closer than this, CSS pixels; no name is longer. */
const REPEAT = 260;
/** Most names in a square of that side. */
const DENSITY = 3;
const [PAD_X, PAD_Y, HEIGHT] = [16, 14, 16];
/** CSS pixels within which a name fades before it would slip under a panel or over the edge. */
const FADE = 4;
/** Scores are told apart to this part of the largest; more rows than that no level has. */
const [RANKS, ROWS] = [2 ** 24, 2 ** 26];
/** Cells at least this large carry their name at their foot, CSS pixels. */
const FOOT = 72;

/** Rows with a class, the ones to name first in front: strong attribution, many members. */
export const labelOrder = ({ cells }: Pick<Grid, "cells">): Int32Array => {
  if (!cells.top) return new Int32Array(0);
  const score = new Float32Array(cells.n);
  let most = 0;
  for (let i = 0; i < cells.n; i++) {
    const value = cells.topValue[i * cells.top]!;
    if (cells.topClass[i * cells.top]! < 0 || !(value > 0)) continue;
    score[i] = value * Math.sqrt(cells.count[i]!);
    most = Math.max(most, score[i]!);
  }
  // Numbers are sorted many times faster than rows by their score: rank and row in one, within 53 bits.
  const keys = new Float64Array(cells.n);
  let kept = 0;
  score.forEach((value, row) => {
    if (value > 0) keys[kept++] = Math.round((1 - value / most) * RANKS) * ROWS + row;
  });
  return Int32Array.from(keys.subarray(0, kept).sort(), (key) => key % ROWS);
};

/** Whether two lines of text come too near each other. */
const meet = (a: Line, b: Line): boolean =>
  Math.abs(a.x - b.x) < a.half + b.half + PAD_X && Math.abs(a.y - b.y) < HEIGHT + PAD_Y;

/** Size of the world, CSS pixels, for which names are placed: half octaves, so that they stay while one zooms a little. */
export const labelScale = (world: number): number => 2 ** (Math.floor(Math.log2(world) * 2) / 2);

/**
 * Places names in the order of their weight, each where it meets no other; for the whole level, so that none comes or
 * goes while one moves. A level of 25,600 cells takes longer than a frame: the work can be done in parts.
 */
export class Placement {
  readonly placed: Placed[] = [];
  private next = 0;
  private readonly across: number;
  private readonly squares: ((Line & { classIndex: number })[] | undefined)[];

  /**
   * @param scale CSS pixels that the whole atlas takes, at least
   * @param width CSS pixels that the name of a class takes
   */
  constructor(
    private readonly grid: Pick<Grid, "cells" | "style">,
    private readonly order: Int32Array,
    private readonly scale: number,
    private readonly width: (classIndex: number) => number,
  ) {
    this.across = Math.ceil(scale / REPEAT) + 2;
    this.squares = new Array(this.across ** 2);
  }

  /** Go on until everything is placed or it is `deadline` (ms); whether everything is. */
  run(deadline = Number.POSITIVE_INFINITY): boolean {
    while (this.next < this.order.length) {
      this.place(this.order[this.next++]!);
      if ((this.next & 63) === 0 && performance.now() > deadline) break;
    }
    return this.next >= this.order.length;
  }

  private place(row: number): void {
    const { cells, style } = this.grid;
    if (style.alpha[row]! < 0.5) return;
    const cell = cells.cell[row]!;
    const wx = ((cell % cells.size) + 0.5) / cells.size;
    const wy = (Math.floor(cell / cells.size) + 0.5) / cells.size;
    const [x, y] = [wx * this.scale, wy * this.scale];
    const square = (Math.floor(y / REPEAT) + 1) * this.across + Math.floor(x / REPEAT) + 1;
    const own = this.squares[square];
    if (own && own.length >= DENSITY) return;
    const classIndex = cells.topClass[row * cells.top]!;
    const line = { x, y, half: Math.min(REPEAT / 2, this.width(classIndex) / 2), classIndex };
    for (let i = 0; i < 9; i++) {
      const others = this.squares[square + ((i / 3) | 0) * this.across - this.across + (i % 3) - 1];
      if (!others) continue;
      for (const other of others) {
        const again = other.classIndex === classIndex && Math.hypot(other.x - x, other.y - y) < REPEAT;
        if (again || meet(other, line)) return;
      }
    }
    if (own) own.push(line);
    else this.squares[square] = [line];
    this.placed.push({ row, classIndex, x: wx, y: wy, half: line.half });
  }
}

/** What a panel covers: left, top, right, bottom, CSS pixels. */
export type Box = readonly [left: number, top: number, right: number, bottom: number];

/** How far a name is to be seen, 0 to 1: not at all where a panel or the edge would cut it. */
export const clearness = ({ x, y, half }: Line, panels: readonly Box[], view: Viewport): number => {
  const [l, t, r, b] = [x - half, y - HEIGHT / 2, x + half, y + HEIGHT / 2];
  let gap = Math.min(l, t, view.width - r, view.height - b);
  for (const [left, top, right, bottom] of panels)
    gap = Math.min(gap, Math.max(left - r, l - right, top - b, t - bottom));
  return Math.max(0, Math.min(1, gap / FADE));
};

/** Those names that are on the screen and clear of what is there already. */
export const visibleLabels = (
  placed: readonly Placed[],
  size: number,
  camera: Camera,
  view: Viewport,
  taken: readonly Line[],
  panels: readonly Box[],
): (Line & { classIndex: number; opacity: number })[] => {
  const scale = worldPx(camera, view);
  const cellPx = scale / size;
  const foot = cellPx >= FOOT ? cellPx / 2 - HEIGHT * 0.75 : 0;
  const left = view.width / 2 - camera[0] * scale;
  const top = view.height / 2 - camera[1] * scale + foot;
  const lines: (Line & { classIndex: number; opacity: number })[] = [];
  for (const { x: wx, y: wy, half, classIndex } of placed) {
    const [x, y] = [left + wx * scale, top + wy * scale];
    const line = { x, y, half, classIndex, opacity: clearness({ x, y, half }, panels, view) };
    if (line.opacity && !taken.some((other) => meet(other, line))) lines.push(line);
  }
  return lines;
};

/** A class name as it is written in the picture: its first synonym, not too long. */
export const shortName = (name: string, most = 26): string => {
  const first = name.split(",")[0]!.trim();
  return first.length > most ? `${first.slice(0, most - 1).trimEnd()}…` : first;
};
