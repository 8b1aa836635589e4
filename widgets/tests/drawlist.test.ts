import { describe, expect, it } from "vitest";
import { toScreen } from "../src/camera";
import {
  cellPx,
  movingPitch,
  restingPitch,
  sheetMip,
  spritePlace,
  type TileDraw,
  tileSet,
  visibleTiles,
} from "../src/drawlist";
import type { Camera, LevelInfo } from "../src/types";

const view = { width: 1200, height: 800 };
const cameras: Camera[] = [
  [0.5, 0.5, 1],
  [0.123, 0.871, 3.7],
  [0.999, 0.001, 17.3],
  [0.5, 0.5, 0.5],
];
const info: LevelInfo = {
  size: 160,
  cells: 25600,
  icon_px: 80,
  pitch: 84,
  frame: 2,
  columns: 12,
  sheet_px: 1024,
  sheets: 178,
  icons: true,
};

const at = (tiles: TileDraw[], x: number, y: number): TileDraw[] =>
  tiles.filter((t) => x >= t.x && x < t.x + t.width && y >= t.y && y < t.y + t.height);

describe("draw list", () => {
  for (const camera of cameras) {
    for (const size of [1, 12, 40, 160]) {
      for (const resting of [false, true]) {
        it(`covers the atlas once: size ${size}, ${resting ? "at rest" : "moving"}, camera ${camera}`, () => {
          const ratio = 1.5;
          const px = cellPx(size, camera, view, ratio);
          const set = tileSet(size, resting ? restingPitch(px, 80) : movingPitch(px, 80));
          const tiles = visibleTiles(set, camera, view, ratio);
          for (let i = 0; i < 200; i++) {
            const [wx, wy] = [((i * 37) % 101) / 101, ((i * 53) % 97) / 97];
            const [x, y] = toScreen(camera, view, wx, wy).map((value) => value * ratio) as [number, number];
            if (x < 2 || y < 2 || x > view.width * ratio - 2 || y > view.height * ratio - 2) continue;
            expect(at(tiles, Math.round(x), Math.round(y)).length).toBe(1);
          }
          // Every tile is on the screen.
          for (const tile of tiles) {
            expect(tile.x).toBeLessThan(view.width * ratio + 2);
            expect(tile.x + tile.width).toBeGreaterThan(-2);
          }
        });
      }
    }
  }

  it("maps one pixel of a tile to one of the screen at rest", () => {
    const camera: Camera = [0.431, 0.377, 2.13];
    const set = tileSet(40, restingPitch(cellPx(40, camera, view, 1), 80));
    for (const tile of visibleTiles(set, camera, view, 1)) {
      const first = Math.round(tile.column * set.span * set.pitch);
      const last = Math.round(Math.min(40, (tile.column + 1) * set.span) * set.pitch);
      expect(tile.width).toBe(last - first);
    }
  });

  it("draws few tiles however fine the grid", () => {
    for (const camera of cameras) {
      const set = tileSet(1000, movingPitch(cellPx(1000, camera, view, 1), 80));
      expect(visibleTiles(set, camera, view, 1).length).toBeLessThan(40);
    }
  });

  it("stretches tiles by less than half as much again while moving", () => {
    for (let px = 2; px < 120; px *= 1.07)
      expect(Math.abs(Math.log2(px / movingPitch(px, 80)))).toBeLessThan(0.5001);
  });

  it("finds icons where atlas/sprites.py puts them", () => {
    // SheetGeometry(80).place(i) gives (sheet, top, left).
    expect(spritePlace(info, 0)).toEqual({ sheet: 0, x: 2, y: 2 });
    expect(spritePlace(info, 13)).toEqual({ sheet: 0, x: 86, y: 86 });
    expect(spritePlace(info, 143)).toEqual({ sheet: 0, x: 926, y: 926 });
    expect(spritePlace(info, 144)).toEqual({ sheet: 1, x: 2, y: 2 });
  });

  it("never takes a sheet with fewer pixels than it draws", () => {
    for (const px of [4, 8, 10, 16, 20, 32, 40, 64, 80, 128]) {
      const icon = info.icon_px / 2 ** sheetMip(info, px);
      expect(icon).toBeGreaterThanOrEqual(Math.min(info.icon_px, px * 0.93));
    }
  });
});
