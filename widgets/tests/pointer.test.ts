import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { cellId } from "../src/cells";
import type { Context } from "../src/context";
import type { Grid } from "../src/paint";
import { attachPointer } from "../src/pointer";
import { Store } from "../src/store";
import { makeCells } from "./grid";

/** A stage of 104 px more than 1000 px, on which the four cells of a grid of 2 fill 940 px. */
const SIDE = 1000;
const SIZE = 2;
const FIVE = ["2/0", "2/1", "2/2", "2/3", "2/9"];

const open = (own: boolean, selection: string[], lasso = false) => {
  const stage = Object.assign(new EventTarget(), {
    getBoundingClientRect: () => ({ left: 0, top: 0 }),
    setPointerCapture: () => {},
  });
  const cells = makeCells(
    SIZE,
    [0, 1, 2, 3].map((cell) => ({ cell })),
  );
  const store = new Store({ selection, lasso });
  const ending = new AbortController();
  let drawn = 0;
  const context = {
    root: { matches: () => own },
    stage,
    store,
    signal: ending.signal,
    view: () => ({ width: SIDE, height: SIDE }),
    grid: () => ({ cells, info: { size: SIZE }, style: { alpha: [1, 1, 1, 1] } }) as unknown as Grid,
    redraw: () => drawn++,
    say: () => {},
  } as unknown as Context;
  const { line } = attachPointer(context);
  const send = (type: string, x: number, y: number, more: object = {}) =>
    stage.dispatchEvent(
      Object.assign(new Event(`pointer${type}`), {
        clientX: x,
        clientY: y,
        button: 0,
        pointerId: 1,
        isPrimary: true,
        ...more,
      }),
    );
  const click = (x: number, y: number) => {
    send("down", x, y);
    // The browser gives the focus between the two.
    send("up", x, y);
    store.set({ focused: true });
  };
  return { store, send, click, line, drawn: () => drawn, end: () => ending.abort() };
};

describe("clicks", () => {
  let view: ReturnType<typeof open>;
  afterEach(() => view.end());

  it("keep a selection of several cells, on cells and on blank ground", () => {
    view = open(true, FIVE);
    view.click(300, 300);
    expect(view.store.state).toMatchObject({ pinned: cellId(SIZE, 0), selection: FIVE });
    view.click(5, 5);
    expect(view.store.state).toMatchObject({ pinned: "", selection: FIVE });
  });

  it("select one cell, and let it go with its card", () => {
    view = open(true, []);
    view.click(300, 300);
    expect(view.store.state).toMatchObject({ pinned: "2/0", selection: ["2/0"] });
    view.click(700, 300);
    expect(view.store.state).toMatchObject({ pinned: "2/1", selection: ["2/1"] });
    view.click(700, 300);
    expect(view.store.state).toMatchObject({ pinned: "", selection: [] });
  });

  it("that only give the view the wheel keep even one cell", () => {
    view = open(false, ["2/3"]);
    view.click(300, 300);
    expect(view.store.state.selection).toEqual(["2/3"]);
    view.click(700, 300);
    expect(view.store.state.selection).toEqual(["2/1"]);
  });

  it("are of one finger", () => {
    view = open(true, []);
    view.send("down", 300, 300);
    view.send("down", 600, 300, { pointerId: 2, isPrimary: false });
    view.send("up", 600, 300, { pointerId: 2, isPrimary: false });
    view.send("up", 300, 300);
    expect(view.store.state).toMatchObject({ pinned: "", selection: [] });
  });
});

describe("a lasso", () => {
  let view: ReturnType<typeof open>;
  beforeEach(() => {
    view = open(true, ["2/3", "2/2"], true);
  });
  afterEach(() => view.end());
  const around = (x: number, y: number) => {
    view.send("move", x + 200, y);
    view.send("move", x + 200, y + 200);
    view.send("move", x, y + 200);
  };

  it("selects what it goes around, whatever a second finger does", () => {
    view.send("down", 170, 170);
    view.send("move", 370, 170);
    view.send("down", 900, 900, { pointerId: 2, isPrimary: false });
    view.send("move", 900, 100, { pointerId: 2, isPrimary: false });
    view.send("up", 900, 100, { pointerId: 2, isPrimary: false });
    view.send("cancel", 900, 100, { pointerId: 2, isPrimary: false });
    expect(view.line()).toHaveLength(2);
    around(170, 170);
    view.send("up", 170, 370);
    expect(view.store.state).toMatchObject({ selection: ["2/0"], lasso: false });
  });

  it("of one point is none: selection and lasso stay", () => {
    view.send("down", 300, 300);
    view.send("move", 301, 300);
    view.send("move", 302, 301);
    view.send("up", 302, 301);
    expect(view.store.state).toMatchObject({ selection: ["2/3", "2/2"], lasso: true });
    expect(view.line()).toHaveLength(0);
  });

  it("that the browser takes away is gone from the picture", () => {
    view.send("down", 170, 170);
    around(170, 170);
    const drawn = view.drawn();
    view.send("cancel", 0, 0);
    expect(view.line()).toHaveLength(0);
    expect(view.drawn()).toBe(drawn + 1);
    expect(view.store.state.selection).toEqual(["2/3", "2/2"]);
  });
});
