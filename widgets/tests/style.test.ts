import { describe, expect, it } from "vitest";
import { DIM, styleCells } from "../src/style";
import { DEFAULT_OPTIONS, NO_FILTERS } from "../src/types";
import { makeCells } from "./grid";

const cells = makeCells(2, [
  { cell: 0, count: 1, cosine: 0.2 },
  { cell: 1, count: 10, cosine: 0.6 },
  { cell: 2, count: 100 },
]);

describe("style", () => {
  it("dims or hides what a filter leaves out, both bounds included", () => {
    const filters = { ...NO_FILTERS, count: [10, 100] as [number, number] };
    const dimmed = styleCells(cells, { ...DEFAULT_OPTIONS, filters }, null);
    expect([...dimmed.alpha]).toEqual([expect.closeTo(DIM), 1, 1]);
    expect(dimmed.kept).toBe(2);
    expect(styleCells(cells, { ...DEFAULT_OPTIONS, filters, mode: "hide" }, null).alpha[0]).toBe(0);
  });

  it("leaves out cells whose measure is not known", () => {
    const filters = { ...NO_FILTERS, cosine: [0, 1] as [number, number] };
    expect(styleCells(cells, { ...DEFAULT_OPTIONS, filters }, null).kept).toBe(2);
  });

  it("ignores a filter on the attribution to no class", () => {
    const filters = { ...NO_FILTERS, attribution: [1, 2] as [number, number] };
    expect(styleCells(cells, { ...DEFAULT_OPTIONS, filters }, null).kept).toBe(3);
  });

  it("normalises the heat map on its own class, signs kept", () => {
    const { heat, heatMax } = styleCells(cells, DEFAULT_OPTIONS, Float32Array.of(-0.5, 0.25, 0));
    expect([...heat!]).toEqual([-1, 0.5, 0]);
    expect(heatMax).toBe(0.5);
    expect([...styleCells(cells, DEFAULT_OPTIONS, new Float32Array(3)).heat!]).toEqual([0, 0, 0]);
  });

  it("makes icons as large as their cells are full", () => {
    const { scale } = styleCells(cells, { ...DEFAULT_OPTIONS, density: true }, null);
    expect(scale![2]).toBe(1);
    expect(scale![0]).toBeLessThan(scale![1]!);
    expect(scale![0]).toBeGreaterThan(0.1);
  });
});
