import { describe, expect, it } from "vitest";
import { worldPx } from "../src/camera";
import { clearness, labelOrder, labelScale, Placement, shortName, visibleLabels } from "../src/labels";
import type { Grid } from "../src/paint";
import { styleCells } from "../src/style";
import { type Camera, DEFAULT_OPTIONS } from "../src/types";
import { makeCells, type Row } from "./grid";

const size = 30;
const rows: Row[] = Array.from({ length: size * size }, (_, cell) => ({
  cell,
  count: 1 + (cell % 17),
  top: [[cell % 40, ((cell * 31) % 97) / 97]],
}));
const cells = makeCells(size, rows);
const style = styleCells(cells, DEFAULT_OPTIONS, null);
const view = { width: 900, height: 700 };
const width = (index: number): number => 40 + index;

const place = (grid: Pick<Grid, "cells" | "style">, order: Int32Array, scale: number) => {
  const placement = new Placement(grid, order, scale, width);
  placement.run();
  return placement.placed;
};

describe("labels", () => {
  const order = labelOrder({ cells });

  it("puts strong attributions of many members first, and names none without", () => {
    const score = (row: number): number => cells.topValue[row * 2]! * Math.sqrt(cells.count[row]!);
    for (let i = 1; i < order.length; i++)
      expect(score(order[i]!)).toBeLessThanOrEqual(score(order[i - 1]!) + 1e-6);
    expect([...order].every((row) => cells.topValue[row * 2]! > 0)).toBe(true);
  });

  it("never writes one name over another, nor the same one twice in a place", () => {
    for (const zoom of [0.75, 1, 3, 12]) {
      const camera: Camera = [0.4, 0.6, zoom];
      const placed = place({ cells, style }, order, labelScale(worldPx(camera, view)));
      const lines = visibleLabels(placed, size, camera, view, [], []);
      expect(lines.length).toBeGreaterThan(3);
      for (const [i, a] of lines.entries()) {
        for (const b of lines.slice(i + 1)) {
          expect(Math.abs(a.x - b.x) >= a.half + b.half || Math.abs(a.y - b.y) >= 16).toBe(true);
          if (a.classIndex === b.classIndex) expect(Math.hypot(a.x - b.x, a.y - b.y)).toBeGreaterThan(200);
        }
      }
    }
  });

  it("keeps names where they are while one moves", () => {
    const placed = place({ cells, style }, order, 1000);
    const [before, after] = [0.5, 0.51].map((x) => visibleLabels(placed, size, [x, 0.5, 4], view, [], []));
    const inside = before!.filter((line) => line.x > 200 && line.x < 700);
    for (const line of inside)
      expect(after!.some((other) => other.classIndex === line.classIndex)).toBe(true);
  });

  it("gives the same in parts as at once", () => {
    const parts = new Placement({ cells, style }, order, 2000, width);
    let calls = 1;
    while (!parts.run(performance.now() - 1)) calls++;
    expect(calls).toBeGreaterThan(5);
    expect(parts.placed).toEqual(place({ cells, style }, order, 2000));
  });

  it("keeps clear of what is there already", () => {
    const placed = place({ cells, style }, order, 1000);
    const everything = [{ x: 450, y: 350, half: 2000 }];
    for (const line of visibleLabels(placed, size, [0.5, 0.5, 1], view, everything, [])) {
      expect(Math.abs(line.y - 350)).toBeGreaterThan(16);
    }
  });

  it("fades before a panel or the edge would cut it, and is gone where they do", () => {
    const panel = [[100, 100, 200, 140]] as const;
    const view = { width: 400, height: 300 };
    const at = (x: number, y: number) => clearness({ x, y, half: 30 }, panel, view);
    expect([at(150, 120), at(220, 120), at(150, 95), at(20, 200), at(390, 200)]).toEqual([0, 0, 0, 0, 0]);
    expect([at(300, 120), at(150, 200)]).toEqual([1, 1]);
    expect(at(232, 120)).toBeGreaterThan(0);
    expect(at(232, 120)).toBeLessThan(1);
  });

  it("names no cell that a filter leaves out", () => {
    const hidden = { ...style, alpha: new Float32Array(cells.n) };
    expect(place({ cells, style: hidden }, order, 1000)).toEqual([]);
  });

  it("writes the first synonym, and not too much of it", () => {
    expect(shortName("goldfish, Carassius auratus")).toBe("goldfish");
    expect(shortName("a".repeat(60)).length).toBe(26);
  });
});
