import { describe, expect, it } from "vitest";
import { Cells, cellId, parseCellId } from "../src/cells";
import { encode, makeCells } from "./grid";

describe("cells", () => {
  const rows = [
    { cell: 1, count: 5, spread: 0.5, cosine: 0.9, top: [[3, 0.25]] as [number, number][] },
    { cell: 6, count: 2 },
  ];

  it("reads columns from one buffer, wherever it begins", () => {
    const { info, buffer } = encode(rows);
    const shifted = new Uint8Array(buffer.byteLength + 3);
    shifted.set(new Uint8Array(buffer), 3);
    const cells = new Cells(info, new DataView(shifted.buffer, 3), 3);
    expect([...cells.count]).toEqual([5, 2]);
    expect(cells.cosine[0]).toBeCloseTo(0.9);
    expect(cells.cosine[1]).toBeNaN();
    expect(cells.topClass[0]).toBe(3);
    expect(cells.top).toBe(2);
  });

  it("knows which cells are filled", () => {
    const cells = makeCells(3, rows);
    expect(cells.row(1, 0)).toBe(0);
    expect(cells.row(0, 2)).toBe(1);
    expect(cells.row(0, 0)).toBe(-1);
    expect(cells.row(-1, 0)).toBe(-1);
    expect(cells.row(3, 0)).toBe(-1);
    expect(cells.centre(1)).toEqual([1 / 6, 5 / 6]);
  });

  it("finds icons in sheets that hold squares of the grid", () => {
    // block_order([0, 2, 3, 5, 6, 8, 11, 14], 4, side of two icons) in atlas/blocks.py gives these rows.
    const eight = makeCells(
      4,
      [0, 2, 3, 5, 6, 8, 11, 14].map((cell) => ({ cell })),
    );
    const order = [0, 3, 1, 2, 4, 5, 6, 7];
    expect(order.map((row) => eight.blocks(2)[row])).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect([...eight.blocks(4)]).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it("names cells by level and number", () => {
    expect(parseCellId(cellId(40, 812))).toEqual([40, 812]);
    expect(parseCellId("")).toBeNull();
    expect(parseCellId("40/x")).toBeNull();
  });
});
