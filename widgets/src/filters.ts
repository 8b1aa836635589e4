/** Filters: a histogram of each measure and two handles. */
import type { Context } from "./context";
import { h, number } from "./dom";
import { measured } from "./style";
import type { Bounds, Measure } from "./types";

const STEPS = 200;
const BARS = 36;

interface Scale {
  low: number;
  high: number;
  /** Counts spread over orders of magnitude. */
  logarithmic: boolean;
}

const toShare = ({ low, high, logarithmic }: Scale, value: number): number =>
  logarithmic ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);

const fromShare = ({ low, high, logarithmic }: Scale, share: number): number =>
  logarithmic ? low * (high / low) ** share : low + (high - low) * share;

/** How many values fall into each of `bars` parts of the scale, over the most. */
export const histogram = (values: ArrayLike<number>, scale: Scale, bars: number): number[] => {
  const counts = new Array<number>(bars).fill(0);
  for (let i = 0; i < values.length; i++) {
    const share = toShare(scale, values[i]!);
    if (share >= 0 && share <= 1) counts[Math.min(bars - 1, Math.floor(share * bars))]!++;
  }
  const most = Math.max(1, ...counts);
  return counts.map((count) => count / most);
};

const FILTERS: readonly [Measure, string][] = [
  ["count", "Members"],
  ["spread", "Spread"],
  ["cosine", "Achieved cosine"],
  ["attribution", "Attribution to the class"],
];

export const makeFilters = (context: Context): { element: HTMLElement; update: () => void } => {
  const { store } = context;
  const setBounds = (measure: Measure, bounds: Bounds): void => {
    const { options } = store.state;
    store.set({ options: { ...options, filters: { ...options.filters, [measure]: bounds } } });
  };

  const one = ([measure, name]: readonly [Measure, string]) => {
    const slider = (label: string): HTMLInputElement =>
      h("input", { type: "range", min: 0, max: STEPS, step: 1, "aria-label": `${name}, ${label}` });
    const [from, to] = [slider("at least"), slider("at most")];
    const bars = h(
      "div",
      { class: "aa-bars", "aria-hidden": "true" },
      ...Array.from({ length: BARS }, () => h("i", {})),
    );
    const text = h("output", {});
    const element = h(
      "div",
      { class: "aa-filter" },
      h("div", { class: "aa-filter-name" }, h("span", {}, name), text),
      bars,
      h("div", { class: "aa-range" }, from, to),
    );
    let scale: Scale = { low: 0, high: 1, logarithmic: false };
    let values: ArrayLike<number> | null = null;
    const changed = (moved: HTMLInputElement): void => {
      if (Number(from.value) > Number(to.value)) (moved === from ? to : from).value = moved.value;
      const [a, b] = [Number(from.value), Number(to.value)];
      // A handle at its end bounds nothing, also not at other levels.
      const low = a === 0 ? -1e30 : fromShare(scale, a / STEPS);
      const high = b === STEPS ? 1e30 : fromShare(scale, b / STEPS);
      setBounds(measure, a === 0 && b === STEPS ? null : [low, high]);
    };
    for (const input of [from, to])
      input.addEventListener("input", () => changed(input), { signal: context.signal });

    const update = (): void => {
      const grid = context.grid();
      const now = grid && measured(grid.cells, measure, context.attribution());
      element.hidden = !now;
      if (!grid || !now) return;
      if (now !== values) {
        values = now;
        const [low, high] = grid.cells.range(now);
        scale = { low, high: high > low ? high : low + 1, logarithmic: measure === "count" && low > 0 };
        histogram(now, scale, BARS).forEach((share, i) => {
          (bars.children[i] as HTMLElement).style.height = `${share ? Math.max(4, share * 100) : 0}%`;
        });
      }
      const bounds = store.state.options.filters[measure];
      const share = (value: number): number => Math.max(0, Math.min(1, toShare(scale, value) || 0));
      const a = bounds && bounds[0] > -1e29 ? share(bounds[0]) : 0;
      const b = bounds && bounds[1] < 1e29 ? share(bounds[1]) : 1;
      if (!from.matches(":focus")) from.value = String(Math.round(a * STEPS));
      if (!to.matches(":focus")) to.value = String(Math.round(b * STEPS));
      [...bars.children].forEach((bar, i) => {
        const middle = (i + 0.5) / BARS;
        bar.classList.toggle("aa-out", middle < a || middle > b);
      });
      const digits = measure === "count" ? 0 : measure === "attribution" ? 3 : 2;
      text.textContent = `${number(fromShare(scale, a), digits)} – ${number(fromShare(scale, b), digits)}`;
      from.setAttribute("aria-valuetext", number(fromShare(scale, a), digits));
      to.setAttribute("aria-valuetext", number(fromShare(scale, b), digits));
    };
    return { element, update };
  };

  const parts = FILTERS.map(one);
  return {
    element: h("div", { class: "aa-filters" }, ...parts.map((part) => part.element)),
    update: () => {
      for (const part of parts) part.update();
    },
  };
};
