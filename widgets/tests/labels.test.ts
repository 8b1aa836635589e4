import { describe, expect, it } from "vitest";
import { labelOrder, placeLabels, shortName } from "../src/labels";
import { styleCells } from "../src/style";
import { DEFAULT_OPTIONS, type LevelInfo } from "../src/types";
import { makeCells, type Row } from "./grid";

const size = 30;
const rows: Row[] = Array.from({ length: size * size }, (_, cell) => ({
  cell,
  count: 1 + (cell % 17),
  top: [[cell % 40, ((cell * 31) % 97) / 97]],
}));
const cells = makeCells(size, rows);
const info = { size } as LevelInfo;
const style = styleCells(cells, DEFAULT_OPTIONS, null);
const view = { width: 900, height: 700 };
const width = (index: number): number => 40 + index;

describe("labels", () => {
  const order = labelOrder({ cells });

  it("puts strong attributions of many members first, and names none without", () => {
    const score = (row: number): number => cells.topValue[row * 2]! * Math.sqrt(cells.count[row]!);
    for (let i = 1; i < order.length; i++)
      expect(score(order[i]!)).toBeLessThanOrEqual(score(order[i - 1]!) + 1e-6);
    expect([...order].every((row) => cells.topValue[row * 2]! > 0)).toBe(true);
  });

  it("never writes one name over another", () => {
    for (const zoom of [0.6, 1, 3, 12]) {
      const placed = placeLabels({ cells, style, info }, order, [0.4, 0.6, zoom], view, width);
      expect(placed.length).toBeGreaterThan(3);
      for (const [i, a] of placed.entries()) {
        for (const b of placed.slice(i + 1)) {
          const apart =
            Math.abs(a.x - b.x) >= (width(a.classIndex) + width(b.classIndex)) / 2 ||
            Math.abs(a.y - b.y) >= 16;
          expect(apart).toBe(true);
        }
      }
    }
  });

  it("names no cell that a filter leaves out", () => {
    const hidden = { ...style, alpha: new Float32Array(cells.n) };
    expect(placeLabels({ cells, style: hidden, info }, order, [0.5, 0.5, 1], view, width)).toEqual([]);
  });

  it("writes the first synonym, and not too much of it", () => {
    expect(shortName("goldfish, Carassius auratus")).toBe("goldfish");
    expect(shortName("a".repeat(60)).length).toBe(26);
  });
});
