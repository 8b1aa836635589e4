/** Draws a view: tiles of the level shown, whatever may stand in for them below, and what lies above. */
import type { Viewport } from "./camera";
import type { Palette } from "./colour";
import {
  cellPx,
  movingPitch,
  restingPitch,
  sheetMip,
  type TileDraw,
  type TileSet,
  tileSet,
  visibleTiles,
} from "./drawlist";
import { type Budget, Pace } from "./pace";
import { type Grid, overviewDoes, plain, tileBounds } from "./paint";
import type { Sheets, Want } from "./sheets";
import { Tiles } from "./tiles";
import type { Camera } from "./types";

/** Milliseconds without movement after which the picture is made as sharp as it can be. */
export const REST_AFTER = 140;

export interface Scene {
  camera: Camera;
  view: Viewport;
  ratio: number;
  palette: Palette;
  /** Level shown, and the one that it replaces, if any. */
  grid: Grid | null;
  below: Grid | null;
  /** Opacity of the level shown over the one below. */
  opacity: number;
  resting: boolean;
}

/** Paints above the tiles, in CSS pixels. */
export type Overlay = (context: CanvasRenderingContext2D, scene: Scene) => void;

/** What shows a grid: its tiles, and what lies under those that are not complete. */
interface Layers {
  tiles: TileDraw[];
  /** Tiles of the overview, or tiles painted at another pitch; null where there is neither. */
  standIn: { overview: ImageBitmap | null; tiles: TileDraw[] } | null;
  holes: TileDraw[];
  late: boolean;
}

export class Renderer {
  readonly tiles: Tiles;
  private readonly context: CanvasRenderingContext2D;
  private readonly pace = new Pace();
  private wanted = new Map<string, Want>();
  /** What the last frame wanted. */
  private before = this.wanted;
  private lastPitch = new Map<string, number>();

  /** Throws where the browser has no 2d canvas. */
  constructor(
    readonly canvas: HTMLCanvasElement,
    private readonly sheets: Sheets,
    /** Asks for the overview of a grid. */
    private readonly overlook: (grid: Grid) => void,
  ) {
    const context = canvas.getContext("2d", { alpha: false });
    if (!context) throw new Error("no 2d canvas");
    this.context = context;
    this.tiles = new Tiles(sheets);
  }

  /** Draw the frame of `now` (ms); `more` when another is needed for what there was no time for. */
  draw(now: number, scene: Scene, overlay: Overlay): { more: boolean; complete: boolean } {
    const { canvas, context } = this;
    const width = Math.max(1, Math.round(scene.view.width * scene.ratio));
    const height = Math.max(1, Math.round(scene.view.height * scene.ratio));
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    const budget = this.pace.begin(now, scene.resting);
    this.before = this.wanted;
    this.wanted = new Map();
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.globalAlpha = 1;
    context.imageSmoothingQuality = "low";
    context.fillStyle = scene.palette.background;
    context.fillRect(0, 0, width, height);
    let more = false;
    let complete = false;
    if (scene.grid) {
      const { grid, below, opacity } = scene;
      const top = this.paintGrid(grid, scene, budget);
      const whole = top.holes.length === 0;
      if (below && (opacity < 1 || (!whole && !top.standIn))) {
        const under = this.paintGrid(below, scene, budget);
        this.blit(below, under, opacity < 1 ? null : top.holes);
        more ||= under.late;
      } else if (!whole && !top.standIn) this.marks(grid, top.holes, scene.palette);
      context.globalAlpha = opacity;
      this.blit(grid, top, null);
      context.globalAlpha = 1;
      more ||= top.late || opacity < 1;
      complete = whole && opacity === 1;
      this.tiles.trim(Math.max(48, 4 * top.tiles.length));
    }
    this.sheets.moving = !scene.resting;
    this.sheets.want(this, [...this.wanted.values()]);
    context.setTransform(scene.ratio, 0, 0, scene.ratio, 0, 0);
    overlay(context, scene);
    return { more, complete };
  }

  /** Paint the tiles of a grid that the screen needs. */
  private paintGrid(grid: Grid, scene: Scene, budget: Budget): Layers {
    const { camera, view, ratio } = scene;
    const size = grid.info.size;
    const px = cellPx(size, camera, view, ratio);
    const key = `${grid.layer}/${size}`;
    const moving = tileSet(size, movingPitch(px, grid.info.icon_px));
    const resting = tileSet(size, restingPitch(px, grid.info.icon_px));
    const list = (set: TileSet): TileDraw[] => visibleTiles(set, camera, view, ratio);
    const sharp = list(resting);
    const overview = plain(grid.style) ? grid.overview : null;
    const soft = overviewDoes(grid.info, resting);
    if (soft) this.overlook(grid);
    if (overview && soft) return { tiles: [], standIn: { overview, tiles: sharp }, holes: [], late: false };
    // While panning, the sharp tiles of the present zoom are still right.
    const sharpReady = sharp.every((tile) => this.tiles.complete(grid, tile));
    const tiles = scene.resting || sharpReady ? sharp : list(moving);
    const holes: TileDraw[] = [];
    for (const tile of tiles) {
      const missing = new Set<number>();
      if (this.tiles.paint(grid, tile, scene.palette, budget, missing)) continue;
      holes.push(tile);
      this.request(grid, tile.set, missing);
    }
    let standIn: Layers["standIn"] = null;
    const last = this.lastPitch.get(key);
    const pitch = tiles[0]?.set.pitch;
    if (!holes.length && pitch !== undefined) this.lastPitch.set(key, pitch);
    else if (holes.length) {
      const before =
        last === undefined || last === pitch
          ? []
          : list(tileSet(size, last)).filter((tile) => meetsAny(tile, holes));
      if (before.length && before.every((tile) => this.tiles.complete(grid, tile)))
        standIn = { overview: null, tiles: before };
      else if (overview) standIn = { overview, tiles: holes };
      else if (grid === scene.grid && !scene.below) this.overlook(grid);
    }
    return { tiles, standIn, holes, late: holes.length > 0 && budget.left <= 0 };
  }

  private request(grid: Grid, set: TileSet, missing: Set<number>): void {
    if (!grid.info.icons) return;
    const mip = sheetMip(grid.info, set.pitch);
    for (const sheet of missing) {
      const key = `${grid.layer}/${grid.info.size}/${sheet}@${mip}`;
      const since = this.before.get(key)?.since ?? performance.now();
      this.wanted.set(key, { layer: grid.layer, info: grid.info, sheet, mip, since });
    }
  }

  /** Copy a grid to the screen, what stands in for its tiles first; only where there are holes, if they are given. */
  private blit(grid: Grid, { tiles, standIn }: Layers, holes: TileDraw[] | null): void {
    const { context } = this;
    const copy = (tile: TileDraw): void => {
      const picture = this.tiles.picture(grid, tile);
      if (!picture) return;
      context.imageSmoothingEnabled = picture.width !== tile.width || picture.height !== tile.height;
      context.drawImage(picture, tile.x, tile.y, tile.width, tile.height);
    };
    if (standIn) {
      for (const tile of standIn.tiles) {
        if (standIn.overview) this.soft(grid, standIn.overview, tile);
        else copy(tile);
      }
    }
    for (const tile of tiles) if (!holes || meetsAny(tile, holes)) copy(tile);
  }

  /** Copy a tile's part of the overview. */
  private soft({ info }: Grid, overview: ImageBitmap, tile: TileDraw): void {
    const [left, right, top, bottom] = tileBounds(tile);
    const px = info.overview_px!;
    const [width, height] = [(right - left) * px, (bottom - top) * px];
    this.context.imageSmoothingEnabled = true;
    this.context.drawImage(
      overview,
      left * px,
      top * px,
      width,
      height,
      tile.x,
      tile.y,
      tile.width,
      tile.height,
    );
  }

  /** Mark where icons will be. */
  private marks({ cells }: Grid, holes: readonly TileDraw[], palette: Palette): void {
    const { context } = this;
    context.globalAlpha = 0.1;
    context.fillStyle = palette.quiet;
    for (const tile of holes) {
      const [left, right, top, bottom] = tileBounds(tile);
      const [width, height] = [tile.width / (right - left), tile.height / (bottom - top)];
      for (let row = top; row < bottom; row++) {
        for (let column = left; column < right; column++) {
          if (cells.row(column, row) >= 0)
            context.fillRect(tile.x + (column - left) * width, tile.y + (row - top) * height, width, height);
        }
      }
    }
    context.globalAlpha = 1;
  }

  close(): void {
    this.tiles.close();
    this.canvas.width = this.canvas.height = 0;
  }
}

const meetsAny = (tile: TileDraw, others: readonly TileDraw[]): boolean =>
  others.some(
    (other) =>
      tile.x < other.x + other.width &&
      other.x < tile.x + tile.width &&
      tile.y < other.y + other.height &&
      other.y < tile.y + tile.height,
  );
