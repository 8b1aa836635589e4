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
import type { Grid } from "./paint";
import type { Sheets, Want } from "./sheets";
import { Tiles } from "./tiles";
import type { Camera } from "./types";

/** Milliseconds of a frame that painting tiles may take, while moving and at rest. */
const PAINT_MOVING = 4;
const PAINT_RESTING = 9;
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

export class Renderer {
  readonly tiles: Tiles;
  private readonly context: CanvasRenderingContext2D;
  private wanted = new Map<string, Want>();
  private lastPitch = new Map<string, number>();

  /** Throws where the browser has no 2d canvas. */
  constructor(
    readonly canvas: HTMLCanvasElement,
    private readonly sheets: Sheets,
  ) {
    const context = canvas.getContext("2d", { alpha: false });
    if (!context) throw new Error("no 2d canvas");
    this.context = context;
    this.tiles = new Tiles(sheets);
  }

  /** Draw one frame; `more` when another is needed for what could not be painted in time. */
  draw(scene: Scene, overlay: Overlay): { more: boolean; complete: boolean } {
    const { canvas, context } = this;
    const width = Math.max(1, Math.round(scene.view.width * scene.ratio));
    const height = Math.max(1, Math.round(scene.view.height * scene.ratio));
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    const deadline = performance.now() + (scene.resting ? PAINT_RESTING : PAINT_MOVING);
    this.wanted = new Map();
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.globalAlpha = 1;
    context.fillStyle = scene.palette.background;
    context.fillRect(0, 0, width, height);
    let more = false;
    let complete = false;
    if (scene.grid) {
      const covered = this.paintGrid(scene.grid, scene, deadline);
      if (scene.below && (scene.opacity < 1 || !covered.complete)) {
        const below = this.paintGrid(scene.below, scene, deadline);
        const holes = scene.opacity < 1 ? null : covered.holes;
        this.blit(scene.below, below.layers, holes, scene.resting);
        more ||= below.late;
      }
      context.globalAlpha = scene.opacity;
      this.blit(scene.grid, covered.layers, null, true);
      context.globalAlpha = 1;
      more ||= covered.late || scene.opacity < 1;
      complete = covered.complete && scene.opacity === 1;
      this.tiles.trim(Math.max(48, 4 * covered.visible));
    }
    this.sheets.moving = !scene.resting;
    this.sheets.want(this, [...this.wanted.values()]);
    context.setTransform(scene.ratio, 0, 0, scene.ratio, 0, 0);
    overlay(context, scene);
    return { more, complete };
  }

  /** Paint the tiles of a grid that the screen needs, and list what to copy, bottom first. */
  private paintGrid(
    grid: Grid,
    scene: Scene,
    deadline: number,
  ): { layers: TileDraw[][]; complete: boolean; late: boolean; visible: number; holes: TileDraw[] } {
    const { camera, view, ratio } = scene;
    const size = grid.info.size;
    const px = cellPx(size, camera, view, ratio);
    const key = `${grid.layer}/${size}`;
    const moving = tileSet(size, movingPitch(px, grid.info.icon_px));
    const resting = tileSet(size, restingPitch(px, grid.info.icon_px));
    const list = (set: TileSet): TileDraw[] => visibleTiles(set, camera, view, ratio);
    const sharp = list(resting);
    // While panning, the sharp tiles of the present zoom are still right.
    const sharpReady = sharp.every((tile) => this.tiles.complete(grid, tile));
    const want = scene.resting || sharpReady ? sharp : list(moving);
    const holes: TileDraw[] = [];
    let late = false;
    for (const tile of want) {
      const missing = new Set<number>();
      if (this.tiles.paint(grid, tile, scene.palette, deadline, missing)) continue;
      holes.push(tile);
      late ||= performance.now() > deadline;
      this.request(grid, tile.set, missing);
    }
    const complete = holes.length === 0;
    const layers: TileDraw[][] = [];
    const last = this.lastPitch.get(key);
    if (!complete && last !== undefined && last !== want[0]?.set.pitch)
      layers.push(list(tileSet(size, last)));
    if (complete && want[0]) this.lastPitch.set(key, want[0].set.pitch);
    layers.push(want);
    return { layers, complete, late, visible: want.length, holes };
  }

  private request(grid: Grid, set: TileSet, missing: Set<number>): void {
    if (!grid.info.icons) return;
    const mip = sheetMip(grid.info, set.pitch);
    for (const sheet of missing) {
      this.wanted.set(`${grid.layer}/${grid.info.size}/${sheet}@${mip}`, {
        layer: grid.layer,
        info: grid.info,
        sheet,
        mip,
      });
    }
  }

  /** Copy tiles to the screen; only where there are holes, if they are given. */
  private blit(grid: Grid, layers: TileDraw[][], holes: TileDraw[] | null, smooth: boolean): void {
    const { context } = this;
    for (const layer of layers) {
      for (const tile of layer) {
        if (holes && !meetsAny(tile, holes)) continue;
        const picture = this.tiles.picture(grid, tile);
        if (!picture) continue;
        context.imageSmoothingEnabled =
          smooth && (picture.width !== tile.width || picture.height !== tile.height);
        context.imageSmoothingQuality = "low";
        context.drawImage(picture, tile.x, tile.y, tile.width, tile.height);
      }
    }
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
