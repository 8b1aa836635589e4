/** The card of a cell: its icon enlarged, its classes, its numbers, real patches, and the cell rendered large. */
import { makeFacts } from "./card-facts";
import { thumbnail } from "./card-parts";
import { parseCellId } from "./cells";
import type { Context } from "./context";
import { glyph, h } from "./dom";
import { spritePlace } from "./drawlist";
import { GLYPHS } from "./glyphs";
import { describe, keepInSight } from "./keyboard";
import { type Grid, placeOf } from "./paint";
import type { Sheets } from "./sheets";
import { type Rendered, Superseded, sentence } from "./source";

/** CSS pixels of the icon in the card. */
const ICON = 180;
const LARGE = 280;
/** Milliseconds that the pointer rests on a cell before its patches are asked for. */
const DWELL = 250;
const PATCHES = 6;

export interface Card {
  /** Show the cell that the state names; draw its icon if it has arrived. */
  update(): void;
  renderLarge(): void;
  /** The icon of a row has become sharper. */
  sharpened(row: number): void;
  /** Cell whose icon the card needs at full size. */
  wanted(): { grid: Grid; row: number } | null;
}

export const makeCard = (context: Context, sheets: Sheets): Card & { element: HTMLElement } => {
  const { store, source } = context;
  const facts = makeFacts(context, () => {
    filled = "";
    context.redraw();
  });
  const icon = h("canvas", { class: "aa-card-icon", role: "img" });
  const status = h("div", { class: "aa-card-status", role: "status" });
  const close = h(
    "button",
    { type: "button", class: "aa-icon-button", "aria-label": "Close card", onclick: () => dismiss() },
    glyph(GLYPHS.close),
  );
  const patches = h("div", { class: "aa-patches" });
  const large = h(
    "button",
    {
      type: "button",
      class: "aa-button",
      title: "Draw this cell at 384 px in the kernel (R)",
      onclick: () => renderLarge(),
    },
    "Render large",
    h("kbd", {}, "R"),
  );
  /** What the pointer is on while another cell's card stays. */
  const peek = h("p", { class: "aa-card-peek", hidden: true });
  const element = h(
    "section",
    { class: "aa-card aa-panel", "aria-label": "Cell", hidden: true },
    h("header", {}, facts.title, facts.where, close),
    h("div", { class: "aa-card-main" }, h("div", { class: "aa-card-picture" }, icon, status), facts.numbers),
    facts.warning,
    facts.classes,
    patches,
    large,
    peek,
  );

  let shown = "";
  let drawn = "";
  let filled = "";
  /** Cell that has been moved from under the card. */
  let pinned = "";
  let dwell: ReturnType<typeof setTimeout> | undefined;
  const rendered = new Map<string, Rendered & { bitmap: ImageBitmap }>();
  const rendering = new Map<string, number>();
  context.signal.addEventListener("abort", () => {
    clearTimeout(dwell);
    for (const one of rendered.values()) one.bitmap.close();
    icon.width = icon.height = 0;
  });

  const dismiss = (): void => {
    store.set({ pinned: "", hovered: "", cursor: "" });
    context.stage.focus({ preventScroll: true });
  };

  const target = (): { grid: Grid; row: number; cell: number; id: string } | null => {
    const { pinned, hovered } = store.state;
    for (const id of [pinned, hovered]) {
      const parsed = parseCellId(id);
      // A card that stays is of its own level, whichever is on the screen.
      const grid = parsed && context.gridOf(parsed[0]);
      if (!grid) continue;
      const row = grid.cells.rowOf(parsed[1]);
      if (row >= 0) return { grid, row, cell: parsed[1], id };
    }
    return null;
  };
  const keyOf = (grid: Grid, cell: number): string => `${grid.layer} ${grid.info.size}/${cell}`;

  const draw = (grid: Grid, row: number, cell: number): boolean => {
    const ratio = Math.min(2, devicePixelRatio || 1);
    const best = rendered.get(keyOf(grid, cell))?.bitmap ?? grid.live.get(row);
    const large = rendered.has(keyOf(grid, cell));
    element.classList.toggle("aa-large", large);
    const side = Math.round((large ? LARGE : ICON) * ratio);
    const paint = (picture: CanvasImageSource, x: number, y: number, w: number, hh: number): void => {
      icon.width = icon.height = side;
      const to = icon.getContext("2d")!;
      to.imageSmoothingQuality = "high";
      to.drawImage(picture, x, y, w, hh, 0, 0, side, side);
    };
    if (best) {
      paint(best, 0, 0, best.width, best.height);
      return true;
    }
    if (grid.live.has(row)) return false;
    if (!grid.info.icons) {
      icon.width = icon.height = 1;
      return true;
    }
    const place = spritePlace(grid.info, placeOf(grid, row));
    const sheet = sheets.get(grid.layer, grid.info.size, place.sheet, 0);
    if (!sheet) return false;
    paint(sheet, place.x, place.y, grid.info.icon_px, grid.info.icon_px);
    return true;
  };

  const loadPatches = async (grid: Grid, row: number, cell: number, key: string): Promise<void> => {
    if (context.header().patches === "none") return;
    try {
      const found = await source.patches(grid.layer, grid.info.size, row, cell);
      if (shown !== key || !found.length) return;
      patches.replaceChildren(
        h("h3", {}, "Real patches, nearest to the mean"),
        h("div", {}, ...(await Promise.all(found.slice(0, PATCHES).map(thumbnail)))),
      );
    } catch (error) {
      if (shown === key) patches.replaceChildren(h("p", { class: "aa-quiet" }, sentence(error)));
    }
  };

  const tell = (key: string): void => {
    const share = rendering.get(key);
    status.hidden = share === undefined;
    status.textContent = share === undefined ? "" : `Rendering ${Math.round(share * 100)} %`;
    status.style.setProperty("--aa-share", String(share ?? 0));
    large.disabled = share !== undefined;
    large.hidden = !source.render;
  };

  const update = (): void => {
    const at = target();
    if (element.hidden === !!at) element.hidden = !at;
    if (!at) {
      shown = pinned = "";
      return;
    }
    const stays = at.id === store.state.pinned;
    element.classList.toggle("aa-pinned", stays);
    const other = stays && store.state.hovered !== at.id ? describe(context, store.state.hovered) : "";
    peek.hidden = !other;
    if (peek.textContent !== other) peek.textContent = other;
    const { grid, row, cell } = at;
    const key = keyOf(grid, cell);
    const stamp = `${key} ${rendered.has(key)} ${store.state.class_name} ${context.attribution(grid) !== null}`;
    if (shown !== key) {
      patches.replaceChildren();
      clearTimeout(dwell);
      dwell = setTimeout(() => void loadPatches(grid, row, cell, key), DWELL);
      element.scrollTop = 0;
    }
    shown = key;
    if (filled !== stamp) {
      filled = stamp;
      facts.fill(grid, row, cell, rendered.get(key)?.cosine ?? grid.cells.cosine[row]!);
      icon.setAttribute("aria-label", `Icon of ${facts.title.textContent}`);
      drawn = "";
    }
    tell(key);
    if (drawn !== key && draw(grid, row, cell)) drawn = key;
    icon.classList.toggle("aa-waiting", drawn !== key);
    if (pinned === store.state.pinned) return;
    pinned = store.state.pinned;
    if (pinned && grid === context.grid() && !context.flying()) keepInSight(context, grid.info.size, cell);
  };

  const renderLarge = (): void => {
    const at = target();
    if (!source.render) {
      context.say("Nothing renders here: open the atlas in a notebook.");
      return;
    }
    if (!at) return;
    const { grid, cell, id } = at;
    const key = keyOf(grid, cell);
    if (rendering.has(key)) return;
    rendering.set(key, 0);
    store.set({ pinned: id });
    tell(key);
    const step = (share: number): void => {
      rendering.set(key, share);
      if (shown === key) tell(key);
    };
    source
      .render(grid.layer, grid.info.size, cell, step)
      .then(async (answer) => {
        const bitmap = await createImageBitmap(answer.image);
        if (context.signal.aborted) {
          bitmap.close();
          return;
        }
        rendered.get(key)?.bitmap.close();
        rendered.set(key, { ...answer, bitmap });
        filled = "";
        context.say("The cell is rendered large.");
      })
      .catch((error) => {
        if (context.signal.aborted) return;
        if (error instanceof Superseded) context.say(error.message);
        else context.fail(sentence(error));
      })
      .finally(() => {
        rendering.delete(key);
        update();
      });
  };

  return {
    element,
    update,
    renderLarge,
    sharpened: (row) => {
      if (target()?.row === row) drawn = "";
    },
    wanted: () => {
      const at = target();
      return at && drawn !== keyOf(at.grid, at.cell) ? at : null;
    },
  };
};
