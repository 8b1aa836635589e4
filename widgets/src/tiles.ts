/**
 * Tiles of a grid, composed of its icons and kept.
 *
 * Drawing thousands of scaled icons takes a processor far longer than a frame; copying a dozen tiles takes a tenth of
 * one. A cell whose icon has not arrived stays transparent, so that what lies below shows.
 */
import type { Palette } from "./colour";
import { cellEdge, spritePlace, TILE_PX, type TileDraw } from "./drawlist";
import { copyOverview, type Grid, overviewDoes, Painter, plain, tileBounds } from "./paint";
import type { Sheets } from "./sheets";

interface Tile {
  key: string;
  canvas: HTMLCanvasElement;
  context: CanvasRenderingContext2D;
  draw: TileDraw;
  level: string;
  version: number;
  /** Rows of the cells still to paint. */
  pending: number[];
  used: number;
}

/** Canvases kept for the next tiles: making one costs more than clearing it. */
const SPARE = 8;

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
    return tile !== undefined && tile.version === grid.version && tile.pending.length === 0;
  }

  /**
   * Paint what can be painted of a tile until `deadline` (ms), and name the sheets that are missing.
   *
   * @returns whether the tile is complete
   */
  paint(grid: Grid, draw: TileDraw, palette: Palette, deadline: number, missing: Set<number>): boolean {
    const tile = this.prepare(grid, draw, palette);
    if (!tile.pending.length) return true;
    const soft = overviewDoes(grid.info, draw.set);
    // Until the overview comes there is nothing to paint, and no sheet is asked for.
    if (soft && !grid.overview) return false;
    const { pending, context } = tile;
    const left: number[] = [];
    const to = { grid, draw, context, background: palette.background, quiet: palette.quiet };
    let i = 0;
    for (let checked = 0; i < pending.length; checked++) {
      if ((checked & 15) === 15 && performance.now() > deadline) break;
      const run = soft ? 0 : this.painter.run(to, pending, i);
      if (run) {
        i += run;
        continue;
      }
      const row = pending[i++]!;
      if (!this.painter.cell(to, row)) left.push(row);
    }
    // What there was no time for is still to come.
    for (; i < pending.length; i++) left.push(pending[i]!);
    tile.pending = left;
    if (grid.info.icons && !soft) for (const row of left) missing.add(spritePlace(grid.info, row).sheet);
    if (left.length) return false;
    this.fillBlanks(tile, palette);
    return true;
  }

  /** Paint one cell again wherever it is kept: its icon has become sharper. */
  refresh(grid: Grid, row: number): void {
    const cell = grid.cells.cell[row]!;
    const [column, line] = [cell % grid.info.size, Math.floor(cell / grid.info.size)];
    for (const { level, draw, pending } of this.tiles.values()) {
      if (level !== levelOf(grid)) continue;
      const { span } = draw.set;
      const here = Math.floor(column / span) === draw.column && Math.floor(line / span) === draw.row;
      if (here && !pending.includes(row)) pending.push(row);
    }
  }

  /** Keep at most `count` tiles, those used last. */
  trim(count: number): void {
    if (this.tiles.size <= count) return;
    const oldest = [...this.tiles.values()].sort((a, b) => a.used - b.used);
    for (const tile of oldest.slice(0, this.tiles.size - count)) {
      this.tiles.delete(tile.key);
      if (this.spare.length < SPARE) this.spare.push(tile.canvas);
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

  /** The tile, with the cells noted that are to be painted since the grid's style changed. */
  private prepare(grid: Grid, draw: TileDraw, palette: Palette): Tile {
    const key = keyOf(grid, draw);
    let tile = this.tiles.get(key);
    if (tile?.version === grid.version) return tile;
    const [left, right, top, bottom] = tileBounds(draw);
    if (!tile) {
      const canvas = this.spare.pop() ?? document.createElement("canvas");
      // A new size makes the canvas transparent: what lies below shows until the tile is complete.
      canvas.width = Math.max(1, cellEdge(draw.set, right) - cellEdge(draw.set, left));
      canvas.height = Math.max(1, cellEdge(draw.set, bottom) - cellEdge(draw.set, top));
      const context = canvas.getContext("2d");
      if (!context) throw new Error(`no canvas of ${TILE_PX} px`);
      tile = {
        key,
        canvas,
        context,
        draw,
        level: levelOf(grid),
        version: -1,
        pending: [],
        used: ++this.clock,
      };
      context.imageSmoothingQuality = "low";
      this.tiles.set(key, tile);
    }
    const fresh = tile.version < 0;
    const to = { grid, draw, context: tile.context, background: palette.background, quiet: palette.quiet };
    tile.version = grid.version;
    tile.pending = [];
    const soft = overviewDoes(grid.info, draw.set);
    if (grid.overview && plain(grid.style) && (soft || !this.painter.ready(grid, draw))) {
      copyOverview(grid, draw, tile.context);
      if (soft) {
        this.fillBlanks(tile, palette);
        return tile;
      }
    }
    for (let line = top; line < bottom; line++) {
      for (let column = left; column < right; column++) {
        const row = grid.cells.row(column, line);
        if (row < 0) continue;
        tile.pending.push(row);
        if (fresh) this.painter.place(to, row);
      }
    }
    return tile;
  }

  /** Blank cells hide what lies below from now on. */
  private fillBlanks({ context, canvas }: Tile, palette: Palette): void {
    context.globalAlpha = 1;
    context.globalCompositeOperation = "destination-over";
    context.fillStyle = palette.background;
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.globalCompositeOperation = "source-over";
  }
}
