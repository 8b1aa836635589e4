/**
 * Tiles of a grid, composed of its icons and kept.
 *
 * Drawing thousands of scaled icons takes a processor far longer than a frame; copying a dozen tiles takes a tenth of
 * one. A cell whose icon has not arrived stays transparent, so that what lies below shows.
 */
import type { Palette } from "./colour";
import { cellEdge, spritePlace, TILE_PX, type TileDraw } from "./drawlist";
import { type Budget, COPY } from "./pace";
import { type Grid, overviewDoes, Painter, placeOf, tileBounds } from "./paint";
import type { Sheets } from "./sheets";

interface Tile {
  key: string;
  /** Null until something is painted. */
  canvas: HTMLCanvasElement | null;
  draw: TileDraw;
  level: string;
  version: number;
  /** Rows of the cells still to paint. */
  pending: number[];
  /** Whether it has been painted before, with another style or with icons less sharp. */
  repainted: boolean;
  used: number;
}

/** Canvases kept for the next tiles: making one costs more than clearing it. */
const SPARE = 12;

const levelOf = (grid: Grid): string => `${grid.layer}/${grid.info.size}`;

const keyOf = (grid: Grid, { set, column, row }: TileDraw): string =>
  `${levelOf(grid)}@${set.pitch.toFixed(4)}:${column},${row}`;

export class Tiles {
  private readonly tiles = new Map<string, Tile>();
  private readonly spare: HTMLCanvasElement[] = [];
  private readonly painter: Painter;
  private clock = 0;

  constructor(sheets: Sheets) {
    this.painter = new Painter(sheets);
  }

  /** The picture of a tile, whatever is painted of it. */
  picture(grid: Grid, draw: TileDraw): HTMLCanvasElement | null {
    const tile = this.tiles.get(keyOf(grid, draw));
    if (!tile) return null;
    tile.used = ++this.clock;
    return tile.canvas;
  }

  /** Whether everything of a tile is painted as it should be. */
  complete(grid: Grid, draw: TileDraw): boolean {
    const tile = this.tiles.get(keyOf(grid, draw));
    return !!tile?.canvas && tile.version === grid.version && tile.pending.length === 0;
  }

  /**
   * Paint what can be painted of a tile within the budget, and name the sheets that are missing.
   *
   * @returns whether the tile is complete
   */
  paint(grid: Grid, draw: TileDraw, palette: Palette, budget: Budget, missing: Set<number>): boolean {
    const tile = this.prepare(grid, draw);
    if (!tile.pending.length && tile.canvas) return true;
    const soft = overviewDoes(grid.info, draw.set);
    // Until the overview comes there is nothing to paint, and no sheet is asked for.
    if (soft && !grid.overview) return false;
    const { pending } = tile;
    const left: number[] = [];
    let i = 0;
    if (budget.left > 0) {
      const context = this.contextOf(tile, budget);
      const to = { grid, draw, context, quiet: palette.quiet, used: tile.repainted, budget };
      while (i < pending.length && budget.left > 0) {
        const run = soft ? 0 : this.painter.run(to, pending, i);
        if (run) {
          i += run;
          continue;
        }
        const row = pending[i++]!;
        if (!this.painter.cell(to, row)) left.push(row);
      }
    }
    // What there was no time for is still to come.
    for (; i < pending.length; i++) left.push(pending[i]!);
    tile.pending = left;
    if (grid.info.icons && !soft)
      for (const row of left) missing.add(spritePlace(grid.info, placeOf(grid, row)).sheet);
    if (left.length || !tile.canvas) return false;
    this.fillBlanks(tile, palette);
    budget.left -= tile.canvas.width * tile.canvas.height;
    return true;
  }

  /** Paint one cell again wherever it is kept: its icon has become sharper. */
  refresh(grid: Grid, row: number): void {
    const cell = grid.cells.cell[row]!;
    const [column, line] = [cell % grid.info.size, Math.floor(cell / grid.info.size)];
    for (const tile of this.tiles.values()) {
      if (tile.level !== levelOf(grid)) continue;
      const { set, column: across, row: down } = tile.draw;
      const here = Math.floor(column / set.span) === across && Math.floor(line / set.span) === down;
      if (!here || tile.pending.includes(row)) continue;
      tile.pending.push(row);
      tile.repainted = true;
    }
  }

  /** Keep at most `count` tiles, those used last. */
  trim(count: number): void {
    if (this.tiles.size <= count) return;
    const oldest = [...this.tiles.values()].sort((a, b) => a.used - b.used);
    for (const tile of oldest.slice(0, this.tiles.size - count)) {
      this.tiles.delete(tile.key);
      if (!tile.canvas) continue;
      if (this.spare.length < SPARE) this.spare.push(tile.canvas);
      else tile.canvas.width = tile.canvas.height = 0;
    }
  }

  /** Give all memory back. */
  close(): void {
    for (const { canvas } of this.tiles.values()) if (canvas) canvas.width = canvas.height = 0;
    for (const canvas of this.spare) canvas.width = canvas.height = 0;
    this.tiles.clear();
    this.spare.length = 0;
  }

  /** The tile, with the cells noted that are to be painted since the grid's style changed. */
  private prepare(grid: Grid, draw: TileDraw): Tile {
    const key = keyOf(grid, draw);
    let tile = this.tiles.get(key);
    if (tile?.version === grid.version) return tile;
    if (!tile) {
      tile = {
        key,
        canvas: null,
        draw,
        level: levelOf(grid),
        version: -1,
        pending: [],
        repainted: false,
        used: ++this.clock,
      };
      this.tiles.set(key, tile);
    }
    tile.version = grid.version;
    tile.repainted = tile.canvas !== null;
    tile.pending = [];
    const [left, right, top, bottom] = tileBounds(draw);
    for (let line = top; line < bottom; line++) {
      for (let column = left; column < right; column++) {
        const row = grid.cells.row(column, line);
        if (row >= 0) tile.pending.push(row);
      }
    }
    return tile;
  }

  /** Where to paint; transparent at first, so that what lies below shows. */
  private contextOf(tile: Tile, budget: Budget): CanvasRenderingContext2D {
    const fresh = !tile.canvas;
    if (!tile.canvas) {
      const [left, right, top, bottom] = tileBounds(tile.draw);
      const width = Math.max(1, cellEdge(tile.draw.set, right) - cellEdge(tile.draw.set, left));
      const height = Math.max(1, cellEdge(tile.draw.set, bottom) - cellEdge(tile.draw.set, top));
      const same = this.spare.findIndex((one) => one.width === width && one.height === height);
      tile.canvas =
        same >= 0 ? this.spare.splice(same, 1)[0]! : (this.spare.shift() ?? document.createElement("canvas"));
      if (same < 0) {
        tile.canvas.width = width;
        tile.canvas.height = height;
      }
      budget.left -= COPY * (same < 0 ? 40 : 10);
    }
    const context = tile.canvas.getContext("2d");
    if (!context) throw new Error(`no canvas of ${TILE_PX} px`);
    if (fresh) context.clearRect(0, 0, tile.canvas.width, tile.canvas.height);
    context.imageSmoothingQuality = "low";
    return context;
  }

  /** Blank cells hide what lies below from now on. */
  private fillBlanks({ canvas }: Tile, palette: Palette): void {
    const context = canvas!.getContext("2d")!;
    context.globalAlpha = 1;
    context.globalCompositeOperation = "destination-over";
    context.fillStyle = palette.background;
    context.fillRect(0, 0, canvas!.width, canvas!.height);
    context.globalCompositeOperation = "source-over";
  }
}
