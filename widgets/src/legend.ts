/** What colour and size mean here: the heat map's scale, sizes by count, and what labels are worth. */
import { scaleColour } from "./colour";
import type { Context } from "./context";
import { glyph, h, number } from "./dom";
import { GLYPHS } from "./glyphs";

const STEPS = 33;

export const makeLegend = (
  context: Context,
  strongest: () => void,
): { element: HTMLElement; update: () => void } => {
  const ramp = h(
    "div",
    { class: "aa-ramp" },
    ...Array.from({ length: STEPS }, (_, i) =>
      h("i", { style: `background:${scaleColour((2 * i) / (STEPS - 1) - 1)}` }),
    ),
  );
  const [low, high] = [h("span", {}), h("span", {})];
  const name = h("strong", {});
  const go = h(
    "button",
    {
      type: "button",
      class: "aa-icon-button",
      "aria-label": "Go to its next strongest cell",
      title: "Next strongest cell",
      onclick: strongest,
    },
    glyph(GLYPHS.target),
  );
  const heat = h(
    "div",
    { class: "aa-legend-heat" },
    h("div", { class: "aa-legend-title" }, h("span", {}, "Attribution to ", name), go),
    ramp,
    h("div", { class: "aa-ramp-ends" }, low, h("span", {}, "0"), high),
  );
  const size = h(
    "div",
    { class: "aa-legend-size" },
    ...[6, 11, 16].map((px) => h("i", { style: `width:${px}px;height:${px}px` })),
    h("span", {}, "Size: members, logarithmic"),
  );
  const kept = h("p", { class: "aa-quiet" });
  const short = h("summary", {});
  const long = h("p", {});
  const there = h("button", { type: "button", class: "aa-button aa-plain" });
  there.onclick = () => context.store.set({ layer: there.value });
  const note = h("details", { class: "aa-note aa-quiet" }, short, long, there);
  const element = h(
    "section",
    { class: "aa-legend aa-panel", "aria-label": "Legend" },
    heat,
    size,
    kept,
    note,
  );

  const update = (): void => {
    const { options } = context.store.state;
    const grid = context.grid();
    const style = grid?.style;
    heat.hidden = !style?.heat;
    size.hidden = !options.density;
    kept.hidden = !style || style.kept === grid.cells.n;
    note.hidden = !context.layer().note;
    short.textContent = context.layer().labels
      ? "About labels here"
      : "Class labels mean little at this layer";
    long.textContent = context.layer().note;
    const telling = context.layer().labels ? undefined : context.header().layers.find((one) => one.labels);
    there.hidden = !telling;
    there.value = telling?.name ?? "";
    there.textContent = `Show ${there.value}, where they do`;
    element.hidden = heat.hidden && size.hidden && kept.hidden && note.hidden;
    if (!grid || !style) return;
    name.textContent = style.heat ? context.className(style.classIndex) : "";
    const most = style.heatMax ? style.heatMax.toPrecision(2) : "0";
    low.textContent = `−${most} against`;
    high.textContent = `in favour +${most}`;
    kept.textContent = `${number(style.kept)} of ${number(grid.cells.n)} cells pass the filters`;
  };
  return { element, update };
};
