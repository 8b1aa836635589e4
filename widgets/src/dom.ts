/** Elements by function. Text is always text: nothing here parses markup. */

import type { Box } from "./labels";

type Child = Node | string | null | undefined | false;
type Props = Record<string, unknown>;

/** Make an element; `class` and attributes as they are named, `on*` handlers end with the element. */
export const h = <K extends keyof HTMLElementTagNameMap>(
  tag: K,
  props: Props = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), value as EventListener);
    else if (name === "style") element.style.cssText = String(value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children) if (child || child === "") element.append(child);
  return element;
};

/** A line icon of 20 units: paths in one string, drawn in the text's colour. */
export const glyph = (path: string): SVGSVGElement => {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", "aa-glyph");
  const line = document.createElementNS(svg.namespaceURI, "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg as SVGSVGElement;
};

let ids = 0;
/** An id that nothing else in the page has. */
export const uid = (name: string): string => `aa-${name}-${Math.random().toString(36).slice(2, 7)}${ids++}`;

/** A number as people read it; a dash where there is none. */
export const number = (value: number, digits = 0): string =>
  Number.isFinite(value)
    ? value
        .toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits })
        .replace("-", "−")
    : "–";

/** What panels cover of the view. */
export const covered = (root: HTMLElement, panels = ".aa-panel, .aa-caption > *"): Box[] => {
  const home = root.getBoundingClientRect();
  return [...root.querySelectorAll(panels)].flatMap((panel) => {
    const { left, top, right, bottom, width } = panel.getBoundingClientRect();
    return width ? [[left - home.left, top - home.top, right - home.left, bottom - home.top]] : [];
  }) as unknown as Box[];
};
