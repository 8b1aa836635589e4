/** One line at the foot: what is shown; and how many cells are selected. */
import type { Context } from "./context";
import { h, number } from "./dom";

export const makeCaption = (context: Context): { element: HTMLElement; update: () => void } => {
  const title = h("strong", {});
  const what = h("span", {});
  const count = h("span", {});
  const chosen = h(
    "span",
    { class: "aa-chip" },
    count,
    h("button", { type: "button", onclick: () => context.store.set({ selection: [] }) }, "Clear"),
  );
  const element = h("div", { class: "aa-caption" }, chosen, h("p", {}, title, what));
  return {
    element,
    update: () => {
      const { selection } = context.store.state;
      const grid = context.grid();
      const { title: said, name } = context.header();
      const shown = said || name;
      title.textContent = shown === context.layer().name ? "" : shown;
      what.textContent = grid
        ? `${grid.layer}, ${grid.info.size} × ${grid.info.size}, ${number(grid.cells.n)} cells`
        : "loading…";
      const label = `Activation atlas ${shown}: ${what.textContent}. Arrow keys move from cell to cell.`;
      if (context.stage.ariaLabel !== label) context.stage.ariaLabel = label;
      chosen.hidden = !selection.length;
      count.textContent = `${number(selection.length)} ${selection.length === 1 ? "cell" : "cells"} selected`;
    },
  };
};
