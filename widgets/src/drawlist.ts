/** What to draw: f(state, camera), pure. Lengths are device pixels unless they say otherwise. */
import { type Viewport, worldPx } from "./camera";
import type { Camera, LevelInfo } from "./types";

/** Side of a tile, at most; a tile holds whole cells. */
export const TILE_PX = 512;

/** Tiles of one grid, composed with cells of `pitch` pixels. */
export interface TileSet {
  size: number;
  /** Pixels of a cell within the tile. */
  pitch: number;
  /** Cells a side of a tile. */
  span: number;
}

/** A tile and the rectangle of the screen that it covers. */
export interface TileDraw {
  set: TileSet;
  column: number;
  row: number;
  x: number;
  y: number;
  width: number;
  height: number;
}

export const tileSet = (size: number, pitch: number): TileSet => ({
  size,
  pitch,
  span: Math.max(1, Math.min(size, Math.floor(TILE_PX / pitch))),
});

/** Device pixels of a cell on the screen. */
export const cellPx = (size: number, camera: Camera, view: Viewport, ratio: number): number =>
  (worldPx(camera, view) * ratio) / size;

/** Pixels of a cell while moving: a power of two near its size on the screen, and no more than an icon has. */
export const movingPitch = (px: number, iconPx: number): number => {
  const most = 2 ** Math.ceil(Math.log2(Math.max(2, iconPx)));
  return Math.min(most, Math.max(2, 2 ** Math.round(Math.log2(Math.max(1, px)))));
};

/** Pixels of a cell at rest: its very size, unless icons have far fewer. */
export const restingPitch = (px: number, iconPx: number): number =>
  px > 2 * iconPx ? movingPitch(px, iconPx) : Math.max(1, px);

/** Where cell `index` of a tile set begins; whole pixels, so that cells are sharp and leave no seams. */
export const cellEdge = (set: TileSet, index: number): number => Math.round(index * set.pitch);

/** Tiles of a set that the screen shows, nearest to its centre first. */
export const visibleTiles = (set: TileSet, camera: Camera, view: Viewport, ratio: number): TileDraw[] => {
  const scale = worldPx(camera, view) * ratio;
  const [width, height] = [view.width * ratio, view.height * ratio];
  const [left, top] = [width / 2 - camera[0] * scale, height / 2 - camera[1] * scale];
  // At rest one pixel of a tile is one of the screen; moving, tiles are stretched to whole pixels.
  const exact = Math.abs((set.pitch * set.size) / scale - 1) < 1e-6;
  const across = Math.ceil(set.size / set.span);
  const edge = (tile: number, origin: number): number => {
    const cell = Math.min(set.size, tile * set.span);
    return exact ? Math.round(origin) + cellEdge(set, cell) : Math.round(origin + (cell / set.size) * scale);
  };
  const range = (origin: number, length: number): [number, number] => {
    const step = (set.span / set.size) * scale;
    return [
      Math.min(across, Math.max(0, Math.floor((-origin - 1) / step))),
      Math.max(0, Math.min(across, Math.ceil((length - origin + 1) / step))),
    ];
  };
  const [firstColumn, lastColumn] = range(left, width);
  const [firstRow, lastRow] = range(top, height);
  const tiles: TileDraw[] = [];
  for (let row = firstRow; row < lastRow; row++) {
    for (let column = firstColumn; column < lastColumn; column++) {
      const [x, y] = [edge(column, left), edge(row, top)];
      tiles.push({
        set,
        column,
        row,
        x,
        y,
        width: edge(column + 1, left) - x,
        height: edge(row + 1, top) - y,
      });
    }
  }
  const far = (tile: TileDraw): number =>
    (tile.x + tile.width / 2 - width / 2) ** 2 + (tile.y + tile.height / 2 - height / 2) ** 2;
  return tiles.sort((a, b) => far(a) - far(b));
};

/** Sheet of the icon that is laid `place`-th, counted from 0, and where it lies there. */
export const spritePlace = (info: LevelInfo, place: number): { sheet: number; x: number; y: number } => {
  const perSheet = info.columns ** 2;
  const within = place % perSheet;
  return {
    sheet: Math.floor(place / perSheet),
    x: (within % info.columns) * info.pitch + info.frame,
    y: Math.floor(within / info.columns) * info.pitch + info.frame,
  };
};

/** A sheet halved more often than this is so small that keeping it any smaller gains nothing. */
const MOST_HALVED = 3;

/** How often a sheet can be halved before its icons are smaller than they will be drawn. */
export const sheetMip = (info: LevelInfo, px: number): number =>
  Math.max(0, Math.min(MOST_HALVED, Math.floor(Math.log2(info.icon_px / Math.max(1, px * 0.94)))));
