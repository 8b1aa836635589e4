/** Everything by keys: arrows, + −, Home, Esc, Enter, Space, R, /, L. */
import { toScreen, worldPx, zoomAt } from "./camera";
import { cellId, parseCellId } from "./cells";
import type { Context } from "./context";
import { covered, number } from "./dom";
import { shortName } from "./labels";
import { WANTED_PX } from "./lod";
import { toggleSelected } from "./pointer";
import type { Camera } from "./types";

const ARROWS: Record<string, readonly [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** Share of the view that Shift and an arrow move it by. */
const PAN = 0.25;

export interface Actions {
  renderLarge(): void;
  search(): void;
}

/** What a screen reader says of a cell. */
export const describe = (context: Context, id: string): string => {
  const parsed = parseCellId(id);
  const grid = context.grid();
  if (!parsed || !grid || parsed[0] !== grid.info.size) return "";
  const [size, cell] = parsed;
  const { cells } = grid;
  const row = cells.rowOf(cell);
  if (row < 0) return "Empty";
  const top = cells.top && context.layer().labels ? cells.topClass[row * cells.top]! : -1;
  const parts = [
    top >= 0 ? shortName(context.className(top)) : "",
    `row ${Math.floor(cell / size) + 1}, column ${(cell % size) + 1}`,
    `${number(cells.count[row]!)} members`,
    `spread ${number(cells.spread[row]!, 2)}`,
    Number.isFinite(cells.cosine[row]!) ? `achieved cosine ${number(cells.cosine[row]!, 2)}` : "",
  ];
  return parts.filter(Boolean).join(", ");
};

/** Zoom by a factor, about the cursor if it is on the screen. */
export const zoomBy = (context: Context, factor: number): void => {
  const { camera, cursor } = context.store.state;
  const view = context.view();
  let [x, y] = [view.width / 2, view.height / 2];
  const parsed = parseCellId(cursor);
  if (parsed) {
    const [size, cell] = parsed;
    const at = toScreen(camera, view, ((cell % size) + 0.5) / size, (Math.floor(cell / size) + 0.5) / size);
    if (at[0] > 0 && at[1] > 0 && at[0] < view.width && at[1] < view.height) [x, y] = at;
  }
  const zoom = Math.min(context.maxZoom(), Math.max(0.5, camera[2] * factor));
  context.fly(zoomAt(camera, view, x, y, zoom), 0.22);
};

/** Nearest cell that is not empty, in one of the four directions; the cell itself when there is none. */
export const neighbour = (
  filled: (column: number, row: number) => boolean,
  size: number,
  cell: number,
  [dx, dy]: readonly [number, number],
): number => {
  const [column, row] = [cell % size, Math.floor(cell / size)];
  for (let step = 1; step < size; step++) {
    // The further away, the wider: a blank must not be a wall.
    for (let aside = 0; aside <= step >> 1; aside++) {
      for (const sign of aside ? [1, -1] : [1]) {
        const x = column + dx * step + (dx ? 0 : aside * sign);
        const y = row + dy * step + (dy ? 0 : aside * sign);
        if (x >= 0 && y >= 0 && x < size && y < size && filled(x, y)) return y * size + x;
      }
    }
  }
  return cell;
};

/** Move the picture when a cell comes near its edge, or lies under its card. */
export const keepInSight = (context: Context, size: number, cell: number): void => {
  const { camera } = context.store.state;
  const view = context.view();
  const px = worldPx(camera, view);
  const [wx, wy] = [((cell % size) + 0.5) / size, (Math.floor(cell / size) + 0.5) / size];
  const [x, y] = toScreen(camera, view, wx, wy);
  const margin = Math.min(80, (px / size) * 0.75 + 12);
  let { width, height } = view;
  for (const [left, top, right, bottom] of covered(context.root, ".aa-card")) {
    // At the foot it is as wide as the view; beside, it covers what is as high as it.
    if (right - left >= width) height = top;
    else if (y > top - margin && y < bottom + margin) width = left;
  }
  const over = (value: number, length: number): number =>
    value < margin ? value - margin : value > length - margin ? value - length + margin : 0;
  const [dx, dy] = [over(x, width), over(y, height)];
  if (dx || dy) context.fly([camera[0] + dx / px, camera[1] + dy / px, camera[2]], 0.15);
};

export const attachKeyboard = (context: Context, actions: Actions): void => {
  const { root, store, stage, signal } = context;

  const moveCursor = (direction: readonly [number, number]): void => {
    const grid = context.grid();
    if (!grid) return;
    const { size } = grid.info;
    const { camera, cursor } = store.state;
    const parsed = parseCellId(cursor);
    const filled = (x: number, y: number): boolean => {
      const row = grid.cells.row(x, y);
      return row >= 0 && grid.style.alpha[row]! === 1;
    };
    let cell: number;
    if (parsed) {
      // A cursor of another level goes on from the same place.
      const [old, at] = parsed;
      const [x, y] = [((at % old) + 0.5) / old, (Math.floor(at / old) + 0.5) / old];
      const here = old === size ? at : Math.floor(y * size) * size + Math.floor(x * size);
      cell = neighbour(filled, size, here, direction);
    } else {
      cell = nearest(filled, size, camera);
    }
    const id = cellId(size, cell);
    store.set({ cursor: id, hovered: id, ...(store.state.pinned ? { pinned: id } : {}) });
    context.say(describe(context, id));
    keepInSight(context, size, cell);
  };

  const nearest = (filled: (x: number, y: number) => boolean, size: number, camera: Camera): number => {
    let best = 0;
    let least = Number.POSITIVE_INFINITY;
    for (let y = 0; y < size; y++) {
      for (let x = 0; x < size; x++) {
        const far = ((x + 0.5) / size - camera[0]) ** 2 + ((y + 0.5) / size - camera[1]) ** 2;
        if (far < least && filled(x, y)) [best, least] = [y * size + x, far];
      }
    }
    return best;
  };

  const back = (): void => {
    const { state } = store;
    if (state.lasso) store.set({ lasso: false });
    else if (state.pinned) store.set({ pinned: "" });
    else if (state.cursor) store.set({ cursor: "", hovered: "" });
    else if (state.selection.length) store.set({ selection: [] });
    else if (state.class_name) store.set({ class_name: "" });
    else stage.blur();
  };

  root.addEventListener(
    "keydown",
    (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const arrow = ARROWS[event.key];
      const at = event.target as Element;
      if (at !== stage) {
        // Buttons have these keys for themselves; fields, and panels that are open, have them all.
        if (arrow || event.key === "Enter" || event.key === " ") return;
        if (at.closest("input, select, .aa-popover")) return;
        // What goes away may have had the focus.
        if (event.key === "Escape") stage.focus({ preventScroll: true });
      }
      const { camera, cursor, pinned } = store.state;
      if (arrow && event.shiftKey) {
        const view = context.view();
        const step = (PAN * Math.min(view.width, view.height)) / worldPx(camera, view);
        context.fly([camera[0] + arrow[0] * step, camera[1] + arrow[1] * step, camera[2]], 0.2);
      } else if (arrow) moveCursor(arrow);
      else if (event.key === "+" || event.key === "=") zoomBy(context, 1.6);
      else if (event.key === "-" || event.key === "_") zoomBy(context, 1 / 1.6);
      else if (event.key === "Home" || event.key === "0") context.fly([0.5, 0.5, 1]);
      else if (event.key === "Enter") {
        if (!cursor) moveCursor([0, 0]);
        else store.set({ pinned: pinned === cursor ? "" : cursor });
      } else if (event.key === " ") {
        if (cursor) toggleSelected(context, cursor);
      } else if (event.key === "Escape") back();
      else if (event.key === "r" || event.key === "R") actions.renderLarge();
      else if (event.key === "/") actions.search();
      else if (event.key === "l" || event.key === "L") store.set({ lasso: !store.state.lasso });
      else return;
      event.preventDefault();
      event.stopPropagation();
    },
    { signal },
  );
};

/** CSS pixels of a cell that is flown to, at most. */
const LARGE = 120;

/** The camera that shows a cell as large as it can be before the next finer level takes its place. */
export const onCell = (context: Context, size: number, cell: number): Camera => {
  const finer = context.layer().levels.find((level) => level.size > size)?.size ?? Number.POSITIVE_INFINITY;
  const px = Math.min(LARGE, (0.95 * WANTED_PX * finer) / size);
  const zoom = (px * size) / worldPx([0, 0, 1], context.view());
  return [((cell % size) + 0.5) / size, (Math.floor(cell / size) + 0.5) / size, zoom];
};
