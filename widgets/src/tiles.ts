/**
 * Tiles of a grid, composed of its icons and kept.
 *
 * Drawing thousands of scaled icons takes a processor far longer than a frame; copying a dozen tiles takes a tenth of
 * one. A cell whose icon has not arrived stays transparent, so that what lies below shows.
 */
import type { Cells } from "./cells";
import { type Palette, scaleColour } from "./colour";
import { cellEdge, sheetMip, spritePlace, type TileDraw, type TileSet } from "./drawlist";
import type { Sheets } from "./sheets";
import type { Style } from "./style";
import type { LevelInfo } from "./types";

/** One grid of one layer, as a painter needs it. */
export interface Grid {
  layer: string;
  info: LevelInfo;
  cells: Cells;
  style: Style;
  /** Icons that came while the level is being rendered, by row; larger than those of a sheet or as large. */
  live: Map<number, ImageBitmap>;
  /** Increased when the style changes. */
  version: number;
}

interface Tile {
  key: string;
  canvas: HTMLCanvasElement;
  context: CanvasRenderingContext2D;
  version: number;
  /** Rows of the cells still to paint. */
  pending: number[];
  used: number;
}

/** Pixels of a cell from which a hairline parts it from the next. */
const GAP_FROM = 20;

export const mipFor = (set: TileSet, info: LevelInfo): number => sheetMip(info, set.pitch);

export class Tiles {
  private readonly tiles = new Map<string, Tile>();
  private readonly spare: HTMLCanvasElement[] = [];
  private clock = 0;

  constructor(private readonly sheets: Sheets) {}

  private key(grid: Grid, tile: TileDraw): string {
    return `${grid.layer}/${grid.info.size}@${tile.set.pitch.toFixed(4)}:${tile.column},${tile.row}`;
  }

  /** The picture of a tile, whatever is painted of it. */
  picture(grid: Grid, draw: TileDraw): HTMLCanvasElement | null {
    const tile = this.tiles.get(this.key(grid, draw));
    if (!tile) return null;
    tile.used = ++this.clock;
    return tile.canvas;
  }

  /** Whether everything of a tile is painted as it should be. */
  complete(grid: Grid, draw: TileDraw): boolean {
    const tile = this.tiles.get(this.key(grid, draw));
    return tile !== undefined && tile.version === grid.version && tile.pending.length === 0;
  }

  /**
   * Paint what can be painted of a tile until `deadline` (ms), and name the sheets that are missing.
   *
   * @returns whether the tile is complete
   */
  paint(grid: Grid, draw: TileDraw, palette: Palette, deadline: number, missing: Set<number>): boolean {
    const tile = this.prepare(grid, draw);
    if (!tile.pending.length) return true;
    const left: number[] = [];
    const { pending } = tile;
    const mip = mipFor(draw.set, grid.info);
    let i = 0;
    let checked = 0;
    for (; i < pending.length; checked++) {
      if ((checked & 15) === 15 && performance.now() > deadline) break;
      const run = this.paintRun(grid, draw, tile, i, mip);
      if (run) {
        i += run;
        continue;
      }
      const row = pending[i++]!;
      if (!this.paintCell(grid, draw, tile, row, mip, palette)) left.push(row);
    }
    // What there was no time for is still to come.
    for (; i < pending.length; i++) left.push(pending[i]!);
    tile.pending = left;
    if (grid.info.icons) for (const row of left) missing.add(spritePlace(grid.info, row).sheet);
    if (left.length) return false;
    // Only now do blank cells hide what lies below.
    tile.context.globalAlpha = 1;
    tile.context.globalCompositeOperation = "destination-over";
    tile.context.fillStyle = palette.background;
    tile.context.fillRect(0, 0, tile.canvas.width, tile.canvas.height);
    tile.context.globalCompositeOperation = "source-over";
    return true;
  }

  /** Paint one cell again wherever it is kept: its icon has become sharper. */
  refresh(grid: Grid, row: number): void {
    const cell = grid.cells.cell[row]!;
    const [column, line] = [cell % grid.info.size, Math.floor(cell / grid.info.size)];
    for (const tile of this.tiles.values()) {
      const match = /^(.*)@([\d.]+):(\d+),(\d+)$/.exec(tile.key)!;
      if (match[1] !== `${grid.layer}/${grid.info.size}`) continue;
      const span = Math.max(1, Math.min(grid.info.size, Math.floor(512 / Number(match[2]))));
      if (Math.floor(column / span) !== Number(match[3]) || Math.floor(line / span) !== Number(match[4]))
        continue;
      if (!tile.pending.includes(row)) tile.pending.push(row);
    }
  }

  /** Keep at most `count` tiles, those used last. */
  trim(count: number): void {
    if (this.tiles.size <= count) return;
    const oldest = [...this.tiles.values()].sort((a, b) => a.used - b.used);
    for (const tile of oldest.slice(0, this.tiles.size - count)) {
      this.tiles.delete(tile.key);
      if (this.spare.length < 8) this.spare.push(tile.canvas);
      else tile.canvas.width = tile.canvas.height = 0;
    }
  }

  /** Give all memory back. */
  close(): void {
    for (const tile of this.tiles.values()) tile.canvas.width = tile.canvas.height = 0;
    for (const canvas of this.spare) canvas.width = canvas.height = 0;
    this.tiles.clear();
    this.spare.length = 0;
  }

  private prepare(grid: Grid, draw: TileDraw): Tile {
    const key = this.key(grid, draw);
    let tile = this.tiles.get(key);
    if (tile?.version === grid.version) return tile;
    const { set } = draw;
    const [left, right, top, bottom] = this.bounds(draw);
    if (!tile) {
      const canvas = this.spare.pop() ?? document.createElement("canvas");
      canvas.width = Math.max(1, cellEdge(set, right) - cellEdge(set, left));
      canvas.height = Math.max(1, cellEdge(set, bottom) - cellEdge(set, top));
      const context = canvas.getContext("2d");
      if (!context) throw new Error("no 2d canvas");
      tile = { key, canvas, context, version: -1, pending: [], used: ++this.clock };
      // A new size has made the canvas transparent: what lies below shows until the tile is complete.
      context.imageSmoothingQuality = "low";
      this.tiles.set(key, tile);
    }
    tile.version = grid.version;
    tile.pending = [];
    for (let line = top; line < bottom; line++) {
      for (let column = left; column < right; column++) {
        const row = grid.cells.row(column, line);
        if (row < 0) continue;
        tile.pending.push(row);
      }
    }
    return tile;
  }

  private bounds({ set, column, row }: TileDraw): [left: number, right: number, top: number, bottom: number] {
    const [left, top] = [column * set.span, row * set.span];
    return [left, Math.min(set.size, left + set.span), top, Math.min(set.size, top + set.span)];
  }

  private place({ set, column, row }: TileDraw, x: number, y: number): [number, number, number, number] {
    const left = cellEdge(set, x) - cellEdge(set, column * set.span);
    const top = cellEdge(set, y) - cellEdge(set, row * set.span);
    return [left, top, cellEdge(set, x + 1) - cellEdge(set, x), cellEdge(set, y + 1) - cellEdge(set, y)];
  }

  /**
   * Paint cells that lie side by side in the sheet as they do in the grid with one copy, frames and all.
   *
   * @returns how many; 0 where cells are large enough to show it, or have looks of their own
   */
  private paintRun(grid: Grid, draw: TileDraw, tile: Tile, from: number, mip: number): number {
    const { cells, info, style, live } = grid;
    if (draw.set.pitch >= GAP_FROM || style.scale || style.heat || live.size || !info.icons) return 0;
    const { pending } = tile;
    const first = pending[from]!;
    if (style.alpha[first] !== 1) return 0;
    const sprite = spritePlace(info, first);
    const sheet = this.sheets.get(grid.layer, info.size, sprite.sheet, mip);
    if (!sheet) return 0;
    const column = cells.cell[first]! % info.size;
    const rest = info.columns - (first % info.columns);
    const most = Math.min(rest, pending.length - from, info.size - column);
    let run = 1;
    while (
      run < most &&
      pending[from + run] === first + run &&
      cells.cell[first + run] === cells.cell[first]! + run &&
      style.alpha[first + run] === 1
    ) {
      run++;
    }
    const [x, y, , height] = this.place(draw, column, Math.floor(cells.cell[first]! / info.size));
    const end = this.place(draw, column + run - 1, 0);
    const scale = sheet.width / info.sheet_px;
    const [left, top] = [(sprite.x - info.frame) * scale, (sprite.y - info.frame) * scale];
    const side = info.pitch * scale;
    tile.context.globalAlpha = 1;
    tile.context.drawImage(sheet, left, top, side * run, side, x, y, end[0] + end[2] - x, height);
    return run;
  }

  private paintCell(
    grid: Grid,
    draw: TileDraw,
    tile: Tile,
    row: number,
    mip: number,
    palette: Palette,
  ): boolean {
    const { cells, info, style, live } = grid;
    const cell = cells.cell[row]!;
    const place = this.place(draw, cell % info.size, Math.floor(cell / info.size));
    const { context } = tile;
    const sprite = spritePlace(info, row);
    const alive = live.get(row);
    const sheet =
      alive || !info.icons ? undefined : this.sheets.get(grid.layer, info.size, sprite.sheet, mip);
    if (info.icons && !alive && !sheet) return false;
    const heat = style.heat?.[row];
    const alpha = style.alpha[row]!;
    context.globalAlpha = 1;
    context.fillStyle = palette.background;
    context.fillRect(...place);
    let [x, y, width, height] = place;
    // A hairline between icons, so that each is read by itself.
    const gap = width >= GAP_FROM ? Math.max(1, Math.round(width / 40)) : 0;
    x += gap >> 1;
    y += gap >> 1;
    width -= gap;
    height -= gap;
    const shrink = style.scale?.[row] ?? 1;
    if (shrink < 1) {
      const inset = (width * (1 - shrink)) / 2;
      x += inset;
      y += inset;
      width *= shrink;
      height *= shrink;
    }
    if (alpha === 0) return true;
    let opacity = alpha;
    if (heat !== undefined) {
      context.globalAlpha = alpha;
      context.fillStyle = scaleColour(heat);
      context.fillRect(x, y, width, height);
      const inset = width >= 12 ? Math.max(1, Math.round(width * 0.08)) : 0;
      x += inset;
      y += inset;
      width -= 2 * inset;
      height -= 2 * inset;
      // Too small to carry a frame, an icon lets the colour through.
      opacity *= inset ? 0.14 + 0.86 * Math.abs(heat) ** 0.6 : 0.35;
    }
    context.globalAlpha = opacity;
    if (alive) context.drawImage(alive, x, y, width, height);
    else if (sheet) {
      const scale = sheet.width / info.sheet_px;
      const side = info.icon_px * scale;
      context.drawImage(sheet, sprite.x * scale, sprite.y * scale, side, side, x, y, width, height);
    } else {
      context.globalAlpha = opacity * (heat === undefined ? 0.25 : 0.1);
      context.fillStyle = palette.quiet;
      context.fillRect(x, y, width, height);
    }
    return true;
  }
}
