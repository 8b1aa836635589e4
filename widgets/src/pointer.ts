/** Hover, click, shift-click and lasso. */
import { toWorld } from "./camera";
import { cellId } from "./cells";
import type { Context } from "./context";
import { type Point, rowsInside } from "./lasso";

/** CSS pixels within which a press is a click. */
const CLICK = 5;
/** Milliseconds after which a picture that moved under a resting pointer is hovered anew. */
const SETTLED = 120;

/** Id of the cell at a point of the stage, "" where there is none. */
export const cellAt = (context: Context, x: number, y: number): string => {
  const grid = context.grid();
  if (!grid) return "";
  const [wx, wy] = toWorld(context.store.state.camera, context.view(), x, y);
  const { size } = grid.info;
  const [column, row] = [Math.floor(wx * size), Math.floor(wy * size)];
  const at = grid.cells.row(column, row);
  return at < 0 || grid.style.alpha[at] === 0 ? "" : cellId(size, row * size + column);
};

/** Add a cell to the selection, or take it out. */
export const toggleSelected = (context: Context, id: string): void => {
  const { selection } = context.store.state;
  const kept = selection.filter((other) => other !== id);
  const next = kept.length === selection.length ? [...kept, id] : kept;
  context.store.set({ selection: next });
  context.say(`${next.length} ${next.length === 1 ? "cell" : "cells"} selected`);
};

export const attachPointer = (context: Context): { line: () => readonly Point[] } => {
  const { stage, store, signal } = context;
  let pressed: { id: number; x: number; y: number; moved: boolean; arriving: boolean } | null = null;
  let line: Point[] = [];
  /** Where the pointer rests on the picture; null when it is elsewhere, or the keyboard has gone on. */
  let resting: Point | null = null;
  let settling: ReturnType<typeof setTimeout> | undefined;

  const settled = (): void => {
    if (resting && !pressed && !line.length) store.set({ hovered: cellAt(context, ...resting) });
  };
  store.on((changed) => {
    if (changed.has("cursor")) resting = null;
    if (!resting || !(changed.has("camera") || changed.has("shown") || changed.has("layer"))) return;
    clearTimeout(settling);
    settling = setTimeout(settled, SETTLED);
  }, signal);
  signal.addEventListener("abort", () => clearTimeout(settling));

  const at = (event: PointerEvent): Point => {
    const box = stage.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };

  const on = (type: string, listener: (event: PointerEvent) => void): void =>
    stage.addEventListener(type, listener as EventListener, { signal });

  on("pointerdown", (event) => {
    if (event.button !== 0) return;
    if (!event.isPrimary) {
      // Two fingers do not click.
      if (pressed) pressed.moved = true;
      return;
    }
    const [x, y] = at(event);
    const arriving = !store.state.focused && !context.root.matches(".aa-own");
    pressed = { id: event.pointerId, x, y, moved: false, arriving };
    if (store.state.lasso) {
      line = [[x, y]];
      stage.setPointerCapture(event.pointerId);
    }
  });
  on("pointermove", (event) => {
    if (pressed && event.pointerId !== pressed.id) return;
    const [x, y] = at(event);
    if (pressed && Math.hypot(x - pressed.x, y - pressed.y) > CLICK) pressed.moved = true;
    if (line.length) {
      line.push([x, y]);
      context.redraw();
    } else if (event.pointerType !== "touch" && !event.buttons) {
      resting = [x, y];
      store.set({ hovered: cellAt(context, x, y) });
    }
  });
  on("pointerleave", (event) => {
    if (event.pointerType === "touch") return;
    resting = null;
    // A panel that opens under the pointer does not take the keyboard's cell away.
    if (store.state.hovered !== store.state.cursor) store.set({ hovered: "" });
  });
  const drop = (): void => {
    pressed = null;
    if (!line.length) return;
    line = [];
    context.redraw();
  };
  on("pointercancel", (event) => {
    if (event.pointerId === pressed?.id) drop();
  });
  on("pointerup", (event) => {
    const press = pressed;
    if (event.pointerId !== press?.id) return;
    const polygon = line.map(([x, y]) => toWorld(store.state.camera, context.view(), x, y));
    drop();
    if (polygon.length) {
      // A click draws nothing around anything.
      if (press.moved && polygon.length > 2) finish(polygon, event.shiftKey);
      return;
    }
    if (press.moved) return;
    const id = cellAt(context, press.x, press.y);
    if (event.shiftKey || event.metaKey || event.ctrlKey) {
      if (id) toggleSelected(context, id);
      return;
    }
    const { pinned, selection } = store.state;
    const shown = id === pinned ? "" : id;
    // Several cells are not lost to a click, nor is anything to the one that only gives the view the wheel.
    const kept = selection.length > (press.arriving ? 0 : 1);
    store.set({
      pinned: shown,
      cursor: shown,
      ...(kept ? {} : { selection: shown ? [shown] : [] }),
    });
    if (event.pointerType !== "touch") resting = [press.x, press.y];
  });

  const finish = (polygon: Point[], adding: boolean): void => {
    const grid = context.grid();
    const { selection } = store.state;
    if (!grid) return;
    const rows = rowsInside(grid.cells, polygon).filter((row) => grid.style.alpha[row] === 1);
    const ids = rows.map((row) => cellId(grid.info.size, grid.cells.cell[row]!));
    store.set({ selection: adding ? [...new Set([...selection, ...ids])] : ids, lasso: false });
    context.say(`${ids.length} ${ids.length === 1 ? "cell" : "cells"} selected`);
  };

  return { line: () => line };
};
