/** The panel of display settings and filters, and the one that explains keys and gestures. */
import type { Context } from "./context";
import { h, uid } from "./dom";
import { makeFilters } from "./filters";
import { NO_FILTERS, type Options } from "./types";

export const makeDisplay = (context: Context): { element: HTMLElement; update: () => void } => {
  const { store } = context;
  const set = (patch: Partial<Options>): void => store.set({ options: { ...store.state.options, ...patch } });

  const toggle = (text: string, name: "labels" | "density") => {
    const input = h("input", {
      type: "checkbox",
      role: "switch",
      onchange: () => set({ [name]: input.checked }),
    });
    return { input, element: h("label", { class: "aa-switch" }, h("span", {}, text), input) };
  };
  const labels = toggle("Class names", "labels");
  const density = toggle("Size by members", "density");
  const strength = h("input", {
    type: "range",
    min: 0.1,
    max: 1,
    step: 0.05,
    "aria-label": "How much size follows members",
    oninput: () => set({ density_strength: Number(strength.value) }),
  });
  const filters = makeFilters(context);
  const group = uid("mode");
  const mode = (value: Options["mode"], text: string) => {
    const input = h("input", { type: "radio", name: group, value, onchange: () => set({ mode: value }) });
    return { input, element: h("label", {}, input, h("span", {}, text)) };
  };
  const [dim, hide] = [mode("dim", "Dim"), mode("hide", "Hide")];
  const reset = h(
    "button",
    { type: "button", class: "aa-button aa-plain", onclick: () => set({ filters: NO_FILTERS }) },
    "Clear filters",
  );
  const element = h(
    "section",
    { class: "aa-display aa-panel aa-popover", "aria-label": "Display and filters" },
    labels.element,
    density.element,
    h("div", { class: "aa-strength" }, strength),
    h("h3", {}, "Filters"),
    filters.element,
    h(
      "div",
      { class: "aa-row" },
      h(
        "div",
        { class: "aa-segments", role: "radiogroup", "aria-label": "The rest" },
        dim.element,
        hide.element,
      ),
      reset,
    ),
  );
  const update = (): void => {
    const { options } = store.state;
    labels.input.checked = options.labels;
    labels.element.hidden = !context.layer().labels || !context.header().classes;
    density.input.checked = options.density;
    strength.parentElement!.hidden = !options.density;
    strength.value = String(options.density_strength);
    dim.input.checked = options.mode === "dim";
    hide.input.checked = options.mode === "hide";
    reset.disabled = !Object.values(options.filters).some(Boolean);
    if (!element.hidden) filters.update();
  };
  // Filters are kept up to date only while they are seen.
  context.root.addEventListener("aa-open", update, { signal: context.signal });
  return { element, update };
};

const KEYS: readonly [string, string][] = [
  ["Arrows", "move from cell to cell"],
  ["Shift + arrows", "move the picture"],
  ["+  −", "zoom"],
  ["Home", "the whole atlas"],
  ["Enter", "keep the card of a cell"],
  ["Space", "select a cell, or let it go"],
  ["L", "lasso"],
  ["/", "find a class"],
  ["R", "render the cell large"],
  ["Esc", "back, one step at a time"],
  ["Drag, wheel, pinch", "move and zoom"],
  ["Click", "keep the card of a cell"],
  ["Shift + click", "select several cells"],
];

export const makeHelp = (context: Context): HTMLElement => {
  const rows = KEYS.filter(([key]) => key !== "R" || context.source.render);
  return h(
    "section",
    { class: "aa-help aa-panel aa-popover", "aria-label": "Keys and gestures", tabindex: "-1" },
    h("h3", {}, "Keys and gestures"),
    h(
      "div",
      { class: "aa-keys" },
      ...rows.flatMap(([key, what]) => [h("kbd", {}, key), h("span", {}, what)]),
    ),
    h(
      "p",
      { class: "aa-quiet" },
      "An icon is no photograph: it is an image made so that the network answers with the mean activation of its cell. Close cells are alike; far apart means little.",
    ),
  );
};
