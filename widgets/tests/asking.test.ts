import { describe, expect, it } from "vitest";
import { fromHash, placeAt, toHash } from "../src/address";
import { entered, findClasses, strongest } from "../src/classes";
import { diverging } from "../src/colour";
import { histogram } from "../src/filters";
import { neighbour } from "../src/keyboard";
import { inside, rowsInside } from "../src/lasso";
import { duration } from "../src/notices";
import { shim } from "../src/shim";
import { INITIAL, Store } from "../src/store";
import { syncTraits } from "../src/sync";
import { type Camera, type Header, NO_FILTERS } from "../src/types";
import { makeCells } from "./grid";

describe("finding a class", () => {
  const names = ["sea lion", "lion", "dandelion", "lion, Panthera leo", "Crane", "crème brûlée"];

  it("puts whole names first, then beginnings, then words, then the rest", () => {
    expect(findClasses(names, "lion").map((hit) => hit.name)).toEqual([
      "lion",
      "lion, Panthera leo",
      "sea lion",
      "dandelion",
    ]);
  });

  it("minds neither case nor accents", () => {
    expect(findClasses(names, " CREME").map((hit) => hit.index)).toEqual([5]);
    expect(findClasses(names, "crane").map((hit) => hit.index)).toEqual([4]);
  });

  it("lists all classes in their order before anything is typed", () => {
    expect(findClasses(names, "").map((hit) => hit.index)).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it("knows the places where a class is strongest, one cell of each", () => {
    const cells = { cell: [0, 1, 20, 399, 210] };
    expect(strongest(cells, 20, [5, 4, 3, 2, -1], 9)).toEqual([0, 3]);
    expect(strongest(cells, 20, [0.1, 4, 3, 2, 5], 2)).toEqual([4, 1]);
  });

  it("chooses by Enter only what is marked; an empty box is no class", () => {
    const hits = findClasses(names, "");
    expect(entered(hits, -1, "")).toBe("");
    expect(entered(hits, -1, "lion")).toBeNull();
    expect(entered(hits, 2, "")).toMatchObject({ name: "dandelion" });
  });
});

describe("another layer or class", () => {
  const filters = {
    ...NO_FILTERS,
    count: [3, 9] as [number, number],
    attribution: [0, 1] as [number, number],
  };
  const begun = {
    layer: "mixed4c",
    selection: ["40/492"],
    hovered: "40/1",
    pinned: "40/492",
    class_name: "wok",
    options: { ...INITIAL.options, filters },
  };

  it("leaves no cells of the last layer behind", () => {
    const store = new Store(begun);
    store.set({ layer: "mixed4c", level: 40 });
    expect(store.state.selection).toEqual(["40/492"]);
    store.set({ layer: "mixed5b" });
    expect(store.state).toMatchObject({ selection: [], hovered: "", pinned: "", class_name: "wok" });
    store.set({ layer: "mixed4c", selection: ["40/7"] });
    expect(store.state.selection).toEqual(["40/7"]);
  });

  it("leaves no bounds on the attribution to the last class behind, and all others", () => {
    const store = new Store(begun);
    store.set({ class_name: "lion" });
    expect(store.state.options.filters).toEqual({ ...filters, attribution: null });
  });

  const synced = (kernel: boolean) => {
    const model = shim({ ...begun, camera: [0.5, 0.5, 1], level: 0, header: { kernel, layers: [] } });
    const store = new Store(begun);
    syncTraits(store, model, new AbortController().signal);
    return { model, store };
  };

  it("is told to a page's scripts with all that goes with it", () => {
    const { model, store } = synced(false);
    model.set("layer", "mixed5b");
    model.set("class_name", "lion");
    expect(store.state.selection).toEqual([]);
    expect(model.get("selection")).toEqual([]);
    expect(model.get("options")).toMatchObject({ filters: { count: [3, 9], attribution: null } });
  });

  it("is taken from a kernel with what that says of selection and filters", () => {
    const { model, store } = synced(true);
    model.set("layer", "mixed5b");
    model.set("class_name", "lion");
    expect(store.state.selection).toEqual(["40/492"]);
    expect(store.state.hovered).toBe("");
    expect(store.state.options.filters.attribution).toEqual([0, 1]);
  });
});

describe("address", () => {
  it("carries the state there and back", () => {
    const state = { camera: [0.25, 0.5, 12.5], level: 40, layer: "mixed4c", class_name: "frying pan & wok" };
    expect(fromHash(toHash(state as never))).toEqual(state);
  });

  it("leaves out what is not there or makes no sense", () => {
    expect(fromHash("")).toEqual({});
    expect(fromHash("#x=1&y=no&z=3&level=-2&class=")).toEqual({});
  });

  const header = {
    classes: ["bee", "wok"],
    layers: [
      { name: "mixed4c", levels: [{ size: 20 }, { size: 40 }] },
      { name: "mixed5b", levels: [{ size: 10 }] },
    ],
  } as unknown as Header;
  const start = { camera: [0.5, 0.5, 1] as Camera, level: 0, layer: "mixed4c", class_name: "" };

  it("is as at the start in what it leaves out, wherever one was before", () => {
    expect(placeAt("", header, start)).toEqual([start, []]);
    expect(placeAt("#layer=mixed5b&level=10&class=wok", header, start)).toEqual([
      { ...start, layer: "mixed5b", level: 10, class_name: "wok" },
      [],
    ]);
    expect(placeAt("#class=bee", header, start)).toEqual([{ ...start, class_name: "bee" }, []]);
  });

  it("tells what there is not, and is otherwise followed", () => {
    expect(placeAt("#class=nosuch&level=999&layer=zz&x=0.25&y=0.5&z=2", header, start)).toEqual([
      { ...start, camera: [0.25, 0.5, 2] },
      ["layer zz", "level 999", "class nosuch"],
    ]);
  });
});

describe("lasso", () => {
  const square = [
    [0.2, 0.2],
    [0.8, 0.2],
    [0.8, 0.8],
    [0.2, 0.8],
  ] as const;

  it("holds what is inside", () => {
    expect(inside(square, 0.5, 0.5)).toBe(true);
    expect(inside(square, 0.1, 0.5)).toBe(false);
  });

  it("takes cells by their centres", () => {
    const cells = makeCells(
      4,
      [...Array(16).keys()].map((cell) => ({ cell })),
    );
    expect(rowsInside(cells, square)).toEqual([5, 6, 9, 10]);
    expect(rowsInside(cells, square.slice(0, 2))).toEqual([]);
  });
});

describe("cursor", () => {
  const filled = (cells: string[]) => (x: number, y: number) => cells[y]?.[x] === "#";

  it("goes to the next cell, over blanks if need be", () => {
    const map = ["##..#", "....#", "#...."];
    expect(neighbour(filled(map), 5, 0, [1, 0])).toBe(1);
    expect(neighbour(filled(map), 5, 1, [1, 0])).toBe(4);
    expect(neighbour(filled(map), 5, 0, [0, 1])).toBe(10);
  });

  it("stays where there is nowhere to go", () => {
    expect(neighbour(filled(["#"]), 1, 0, [1, 0])).toBe(0);
  });
});

describe("numbers", () => {
  it("counts values into bars and leaves out those that are not known", () => {
    const scale = { low: 0, high: 1, logarithmic: false };
    expect(histogram([0, 0.1, 0.9, 1, Number.NaN], scale, 2)).toEqual([1, 1]);
  });

  it("says how long something takes", () => {
    expect(duration(5.4)).toBe("5 s");
    expect(duration(125)).toBe("2 min 5 s");
    expect(duration(7300)).toBe("2 h 1 min");
  });

  it("gives the two signs different colours, and nothing almost none", () => {
    const opacity = (value: number): number => Number(/([\d.]+)\)$/.exec(diverging(value))![1]);
    expect(diverging(1)).not.toBe(diverging(-1));
    expect(opacity(0)).toBeLessThan(0.1);
    expect(opacity(1)).toBe(1);
  });
});
