/** Paints cells into a tile: icons, or what stands for them, in the looks that a style gives them. */
import type { Cells } from "./cells";
import { scaleColour } from "./colour";
import { cellEdge, sheetMip, spritePlace, type TileDraw, type TileSet } from "./drawlist";
import { type Budget, COPY } from "./pace";
import type { Pushed } from "./pushed";
import type { Sheets } from "./sheets";
import type { Style } from "./style";
import type { LevelInfo } from "./types";

/** One grid of one layer, as a painter needs it. */
export interface Grid {
  layer: string;
  info: LevelInfo;
  cells: Cells;
  style: Style;
  /** Icons that came while the level is being rendered, by row. */
  live: Pushed;
  /** The whole level in one picture; null while it has not come, or there is none. */
  overview: ImageBitmap | null;
  /** Increased when the style changes. */
  version: number;
}

export interface Target {
  grid: Grid;
  draw: TileDraw;
  context: CanvasRenderingContext2D;
  quiet: string;
  /** Whether something has been painted there already. */
  used: boolean;
  budget: Budget;
}

type Box = [x: number, y: number, width: number, height: number];

/** Pixels of a cell from which a hairline parts it from the next. */
const GAP_FROM = 20;
/** Enlargement at which the overview is still as good as icons. */
const STRETCH = 1.25;

/** Which of the icons in the sheets is that of a row. */
export const placeOf = ({ info, cells }: Grid, row: number): number =>
  info.blocks ? cells.blocks(info.columns)[row]! : row;

/** Whether the overview has enough pixels for such a tile. */
export const overviewDoes = (info: LevelInfo, set: TileSet): boolean =>
  info.icons && set.pitch <= STRETCH * (info.overview_px ?? 0);

/** Whether every cell is drawn as it is. */
export const plain = (style: Style): boolean =>
  !style.scale && !style.heat && style.kept === style.alpha.length;

/** Cells of a tile: first and last column, first and last row, the last ones excluded. */
export const tileBounds = ({ set, column, row }: TileDraw): [number, number, number, number] => {
  const [left, top] = [column * set.span, row * set.span];
  return [left, Math.min(set.size, left + set.span), top, Math.min(set.size, top + set.span)];
};

/** Where a cell lies in its tile. */
const boxOf = ({ set, column, row }: TileDraw, cell: number): Box => {
  const [x, y] = [cell % set.size, Math.floor(cell / set.size)];
  const left = cellEdge(set, x) - cellEdge(set, column * set.span);
  const top = cellEdge(set, y) - cellEdge(set, row * set.span);
  return [left, top, cellEdge(set, x + 1) - cellEdge(set, x), cellEdge(set, y + 1) - cellEdge(set, y)];
};

const shrink = ([x, y, width, height]: Box, by: number): Box => [
  x + by,
  y + by,
  width - 2 * by,
  height - 2 * by,
];

export class Painter {
  constructor(private readonly sheets: Sheets) {}

  private sheet({ grid, draw }: Target, sheet: number): ImageBitmap | undefined {
    return this.sheets.get(grid.layer, grid.info.size, sheet, sheetMip(grid.info, draw.set.pitch));
  }

  /**
   * Paint cells that lie side by side in the sheet as they do in the grid with one copy, frames and all.
   *
   * @returns how many; 0 where cells are large enough to show it, or have looks of their own
   */
  run(to: Target, pending: readonly number[], from: number): number {
    const { cells, info, style, live } = to.grid;
    if (to.draw.set.pitch >= GAP_FROM || style.scale || style.heat || live.size || !info.icons) return 0;
    const first = pending[from]!;
    if (style.alpha[first] !== 1) return 0;
    const place = placeOf(to.grid, first);
    const sprite = spritePlace(info, place);
    const sheet = this.sheet(to, sprite.sheet);
    if (!sheet) return 0;
    const cell = cells.cell[first]!;
    const most = Math.min(
      info.columns - (place % info.columns),
      pending.length - from,
      info.size - (cell % info.size),
    );
    let run = 1;
    while (
      run < most &&
      pending[from + run] === first + run &&
      placeOf(to.grid, first + run) === place + run &&
      cells.cell[first + run] === cell + run &&
      style.alpha[first + run] === 1
    ) {
      run++;
    }
    const [x, y, , height] = boxOf(to.draw, cell);
    const [lastX, , lastWidth] = boxOf(to.draw, cell + run - 1);
    const scale = sheet.width / info.sheet_px;
    const [left, top] = [(sprite.x - info.frame) * scale, (sprite.y - info.frame) * scale];
    const side = info.pitch * scale;
    const width = lastX + lastWidth - x;
    to.context.globalAlpha = 1;
    to.context.drawImage(sheet, left, top, side * run, side, x, y, width, height);
    to.budget.left -= width * height + COPY;
    return run;
  }

  /** Paint one cell; false when its icon has not arrived. */
  cell(to: Target, row: number): boolean {
    const { grid, draw, context } = to;
    const { cells, info, style } = grid;
    const cell = cells.cell[row]!;
    const sprite = spritePlace(info, placeOf(grid, row));
    const live = grid.live.get(row);
    const overview = !live && overviewDoes(info, draw.set) ? grid.overview : null;
    const sheet = live || overview || !info.icons ? undefined : this.sheet(to, sprite.sheet);
    if ((info.icons && !live && !overview && !sheet) || (!live && grid.live.has(row))) return false;

    let box = boxOf(draw, cell);
    to.budget.left -= box[2] * box[3] + COPY;
    if (to.used) context.clearRect(...box);
    const alpha = style.alpha[row]!;
    if (alpha === 0) return true;
    // A hairline between icons, so that each is read by itself.
    const gap = box[2] >= GAP_FROM ? Math.max(1, Math.round(box[2] / 40)) : 0;
    box = [box[0] + (gap >> 1), box[1] + (gap >> 1), box[2] - gap, box[3] - gap];
    const share = style.scale?.[row] ?? 1;
    if (share < 1) box = shrink(box, (box[2] * (1 - share)) / 2);

    let opacity = alpha;
    const heat = style.heat?.[row];
    if (heat !== undefined) {
      to.budget.left -= box[2] * box[3];
      context.globalAlpha = alpha;
      context.fillStyle = scaleColour(heat);
      context.fillRect(...box);
      const inset = box[2] >= 12 ? Math.max(2, Math.round(box[2] * 0.12)) : 0;
      box = shrink(box, inset);
      // Too small to carry a frame, an icon lets the colour through.
      opacity *= inset ? 0.5 + 0.5 * Math.abs(heat) ** 0.6 : 0.5;
    }
    context.globalAlpha = opacity;
    if (live) context.drawImage(live, ...box);
    else if (overview) {
      const px = info.overview_px!;
      context.drawImage(overview, (cell % info.size) * px, Math.floor(cell / info.size) * px, px, px, ...box);
    } else if (sheet) {
      const scale = sheet.width / info.sheet_px;
      const side = info.icon_px * scale;
      context.drawImage(sheet, sprite.x * scale, sprite.y * scale, side, side, ...box);
    } else {
      context.globalAlpha = opacity * (heat === undefined ? 0.25 : 0.1);
      context.fillStyle = to.quiet;
      context.fillRect(...box);
    }
    return true;
  }
}
