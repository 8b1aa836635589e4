/** What a card says of its cell: name, place, classes and numbers. */
import { meter, signedBar } from "./card-parts";
import type { Context } from "./context";
import { h, number } from "./dom";
import type { Grid } from "./paint";

export interface Facts {
  title: HTMLElement;
  where: HTMLElement;
  classes: HTMLElement;
  numbers: HTMLElement;
  warning: HTMLElement;
  /** Tell of the cell in a row, whose icon achieved that cosine. */
  fill(grid: Grid, row: number, cell: number, cosine: number): void;
}

/** @param changed called when there is more to tell than there was */
export const makeFacts = (context: Context, changed: () => void): Facts => {
  const title = h("h2", {});
  const where = h("p", { class: "aa-card-where" });
  const classes = h("ul", { class: "aa-classes" });
  const numbers = h("div", { class: "aa-numbers", role: "list" });
  const warning = h("p", { class: "aa-card-warning" }, "Two groups: the average may show neither.");
  /** Attributions to the classes that are compared: null until they are here. */
  const sides = new Map<string, Float32Array | null>();
  const compared = ({ layer, info }: Grid, name: string): Float32Array | null => {
    const key = `${layer}/${info.size}/${name}`;
    const index = context.header().classes?.indexOf(name) ?? -1;
    if (index >= 0 && !sides.has(key)) {
      sides.set(key, null);
      const come = (values: Float32Array): void => {
        sides.set(key, values);
        changed();
      };
      // Without them the card says what else it knows.
      context.source.attribution(layer, info.size, index).then(come, () => {});
    }
    return sides.get(key) ?? null;
  };

  const fill = (grid: Grid, row: number, cell: number, cosine: number): void => {
    const { cells } = grid;
    const { size } = grid.info;
    const says = context.layer().labels;
    const top = cells.top && says ? cells.topClass[row * cells.top]! : -1;
    const place = `row ${Math.floor(cell / size) + 1}, column\u00a0${(cell % size) + 1}`;
    title.textContent = top >= 0 ? context.className(top) : place[0]!.toUpperCase() + place.slice(1);
    where.textContent = `${grid.layer} · level ${size}${top >= 0 ? ` · ${place}` : ""}`;
    const chosen = context.header().classes?.indexOf(context.store.state.class_name) ?? -1;
    const rows: [string, number, boolean][] = [];
    const { axes } = context.header();
    // What a comparison is about comes first.
    for (const name of axes ? [axes.left, axes.right] : []) {
      const value = compared(grid, name)?.[row];
      if (value !== undefined) rows.push([name, value, true]);
    }
    for (let i = 0; says && i < cells.top; i++) {
      const index = cells.topClass[row * cells.top + i]!;
      const name = context.className(index);
      if (index >= 0 && rows.length < cells.top && !rows.some((one) => one[0] === name))
        rows.push([name, cells.topValue[row * cells.top + i]!, index === chosen]);
    }
    const own = chosen >= 0 ? context.attribution(grid)?.[row] : undefined;
    if (own !== undefined && !rows.some((one) => one[0] === context.store.state.class_name))
      rows.push([context.store.state.class_name, own, true]);
    const most = Math.max(1e-12, ...rows.map((one) => Math.abs(one[1])));
    classes.replaceChildren(
      ...rows.map(([name, value, mark]) =>
        h(
          "li",
          mark ? { class: "aa-chosen" } : {},
          h("span", { class: "aa-class-name", title: name }, name),
          signedBar(value / most),
          h("span", { class: "aa-value" }, `${value < 0 ? "−" : "+"}${Math.abs(value).toPrecision(2)}`),
        ),
      ),
    );
    classes.hidden = !rows.length;
    numbers.replaceChildren(
      meter(
        "Members",
        Math.log1p(cells.count[row]!) / Math.log1p(cells.range(cells.count)[1]),
        number(cells.count[row]!),
        "Activations averaged in this cell",
      ),
      meter(
        "Spread",
        cells.spread[row]!,
        number(cells.spread[row]!, 2),
        "Mean cosine of the members to their mean: 1 when all point the same way",
      ),
      meter(
        "Cosine",
        cosine,
        number(cosine, 2),
        "Achieved cosine: how close the network's answer to the icon is to the cell's mean",
      ),
    );
    warning.hidden = !cells.mixture[row];
  };

  return { title, where, classes, numbers, warning, fill };
};
