import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Cells } from "../src/cells";
import { Levels } from "../src/levels";
import { Pictures } from "../src/recent";
import type { Source } from "../src/source";
import { DEFAULT_OPTIONS, type LayerInfo } from "../src/types";
import { makeCells } from "./grid";

const info = {
  size: 2,
  cells: 2,
  icon_px: 8,
  pitch: 10,
  frame: 1,
  columns: 2,
  sheet_px: 20,
  sheets: 1,
  icons: false,
};
const layer = (patch: Partial<typeof info> = {}): LayerInfo => ({
  name: "mixed4c",
  labels: true,
  attributions: true,
  note: null,
  levels: [{ ...info, ...patch }],
});
const picture = () => ({ width: 8, height: 8, close: vi.fn() }) as unknown as ImageBitmap;

const open = async (source: Partial<Source>, cells: Cells) => {
  const failures: string[] = [];
  const settled: string[] = [];
  let shown = layer();
  const levels = new Levels(
    { cells: async () => cells, ...source } as Source,
    new Pictures(),
    DEFAULT_OPTIONS,
    {
      changed: () => levels.get(shown, 2),
      failed: (text) => failures.push(text),
      loaded: () => {},
      settled: (name, size) => settled.push(`${name}/${size}`),
      sharpened: () => {},
    },
  );
  const grid = (now = shown) => {
    shown = now;
    return levels.get(now, 2)!;
  };
  levels.restyle(DEFAULT_OPTIONS, -1);
  grid();
  await vi.advanceTimersByTimeAsync(0);
  return { levels, failures, settled, grid };
};

describe("levels", () => {
  const cells = makeCells(2, [{ cell: 0 }, { cell: 3 }]);
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it("name the class that they show, not the one that has yet to come", async () => {
    let arrive: (values: Float32Array) => void = () => {};
    const { levels, grid } = await open(
      {
        attribution: (_layer, _size, index) =>
          index === 1
            ? Promise.resolve(Float32Array.of(1, 2))
            : new Promise((resolve) => {
                arrive = resolve;
              }),
      },
      cells,
    );
    levels.restyle(DEFAULT_OPTIONS, 1);
    grid();
    await vi.advanceTimersByTimeAsync(0);
    expect(grid().style).toMatchObject({ classIndex: 1, heatMax: 2 });
    levels.restyle(DEFAULT_OPTIONS, 7);
    expect(grid().style).toMatchObject({ classIndex: 1, heatMax: 2 });
    arrive(Float32Array.of(5, 0));
    await vi.advanceTimersByTimeAsync(0);
    expect(grid().style).toMatchObject({ classIndex: 7, heatMax: 5 });
  });

  it("drop the colours of the old class when the new one's cannot be had, and ask again later", async () => {
    let works = false;
    const { levels, grid, failures } = await open(
      {
        attribution: async (_layer, _size, index) => {
          if (index === 1 || works) return Float32Array.of(index, 0);
          throw new Error("busy");
        },
      },
      cells,
    );
    levels.restyle(DEFAULT_OPTIONS, 1);
    grid();
    await vi.advanceTimersByTimeAsync(0);
    levels.restyle(DEFAULT_OPTIONS, 7);
    grid();
    await vi.advanceTimersByTimeAsync(0);
    expect(failures).toHaveLength(1);
    expect(grid().style).toMatchObject({ classIndex: -1, heat: null });
    works = true;
    await vi.advanceTimersByTimeAsync(4100);
    expect(grid().style).toMatchObject({ classIndex: 7, heatMax: 7 });
  });

  it("take cells that are sent again, as many as before but with more in them", async () => {
    const { levels, grid } = await open({}, cells);
    expect(grid().cells.cosine[0]).toBeNaN();
    levels.replace("mixed4c", 2, makeCells(2, [{ cell: 0, cosine: 0.9 }, { cell: 3 }]));
    expect(grid().cells.cosine[0]).toBeCloseTo(0.9);
  });

  it("let pushed icons go once the sheets can be had, and take no more", async () => {
    const { levels, settled, grid } = await open({ sheet: async () => new Blob() }, cells);
    const early = picture();
    vi.stubGlobal("createImageBitmap", async () => early);
    levels.live("mixed4c", 2, 0, new Blob());
    grid().live.get(0);
    await vi.advanceTimersByTimeAsync(0);
    expect(grid().live.get(0)).toBe(early);
    grid(layer({ icons: true }));
    await vi.advanceTimersByTimeAsync(0);
    expect(early.close).toHaveBeenCalled();
    expect(settled).toEqual(["mixed4c/2"]);
    levels.live("mixed4c", 2, 0, new Blob());
    expect(grid().live.has(0)).toBe(false);
  });
});
