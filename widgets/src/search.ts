/** Choose a class by typing: a combobox over all names. */
import { entered, findClasses, type Hit } from "./classes";
import type { Context } from "./context";
import { glyph, h, number, uid } from "./dom";
import { GLYPHS } from "./glyphs";

/** Names listed at once. */
const SHOWN = 40;

/** A name with the letters that were typed in bold. */
const marked = ({ name, from }: Hit, length: number): Node[] => [
  document.createTextNode(name.slice(0, from)),
  h("b", {}, name.slice(from, from + length)),
  document.createTextNode(name.slice(from + length)),
];

export interface Search {
  element: HTMLElement;
  focus(): void;
  update(): void;
}

/** @param flyTo called with the class whose strongest cell is to be shown */
export const makeSearch = (context: Context, flyTo: () => void): Search => {
  const { store, signal } = context;
  const listId = uid("classes");
  const input = h("input", {
    type: "text",
    role: "combobox",
    autocomplete: "off",
    spellcheck: "false",
    placeholder: "Find a class",
    "aria-label": "Find a class and show its heat map",
    "aria-autocomplete": "list",
    "aria-expanded": "false",
    "aria-controls": listId,
  });
  const list = h("ul", { id: listId, role: "listbox", "aria-label": "Classes", hidden: true });
  const clear = h(
    "button",
    { type: "button", class: "aa-icon-button", "aria-label": "Clear class", hidden: true },
    glyph(GLYPHS.close),
  );
  const element = h("div", { class: "aa-search aa-panel" }, glyph(GLYPHS.search), input, clear, list);
  let hits: Hit[] = [];
  let active = -1;

  const names = (): readonly string[] => context.header().classes ?? [];

  const close = (): void => {
    list.hidden = true;
    active = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };

  const highlight = (index: number): void => {
    active = index;
    [...list.children].slice(0, hits.length).forEach((item, i) => {
      item.setAttribute("aria-selected", String(i === index));
      if (i === index) item.scrollIntoView({ block: "nearest" });
    });
    if (index >= 0) input.setAttribute("aria-activedescendant", `${listId}-${index}`);
    else input.removeAttribute("aria-activedescendant");
  };

  const choose = (hit: Hit): void => {
    close();
    store.set({ class_name: hit.name });
    context.say(`Heat map of ${hit.name}`);
    flyTo();
    context.stage.focus({ preventScroll: true });
  };

  const open = (typed: string): void => {
    const found = findClasses(names(), typed);
    hits = found.slice(0, SHOWN);
    const { length } = typed.trim();
    const items = hits.map((hit, i) =>
      h(
        "li",
        { role: "option", id: `${listId}-${i}`, "aria-selected": "false", title: hit.name },
        ...marked(hit, length),
      ),
    );
    items.forEach((item, i) => {
      item.addEventListener("pointerdown", (event) => event.preventDefault());
      item.addEventListener("click", () => choose(hits[i]!));
    });
    list.replaceChildren(...items);
    const more = found.length - hits.length;
    if (!hits.length || more)
      list.append(
        h(
          "li",
          { class: "aa-none", role: "presentation" },
          more ? `${number(more)} more: type to narrow down` : "No class has this in its name",
        ),
      );
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    highlight(typed.trim() && hits.length ? 0 : -1);
  };

  const on = <K extends keyof HTMLElementEventMap>(
    type: K,
    listener: (event: HTMLElementEventMap[K]) => void,
  ): void => input.addEventListener(type, listener, { signal });
  on("input", () => {
    open(input.value);
    clear.hidden = !input.value;
  });
  on("focus", () => {
    input.select();
    open("");
  });
  on("blur", () => {
    close();
    update();
  });
  on("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) open(input.value);
      const { length } = hits;
      if (length)
        highlight((active + (event.key === "ArrowDown" ? 1 : active < 0 ? 0 : -1) + length) % length);
    } else if (event.key === "Enter") {
      const hit = entered(list.hidden ? [] : hits, active, input.value);
      if (hit) choose(hit);
      else {
        if (hit === "") store.set({ class_name: "" });
        close();
        context.stage.focus({ preventScroll: true });
      }
    } else if (event.key === "Escape") {
      close();
      context.stage.focus({ preventScroll: true });
    }
  });
  clear.addEventListener("click", () => {
    input.value = "";
    store.set({ class_name: "" });
    input.focus();
  });

  function update(): void {
    element.hidden = !names().length || !context.layer().attributions;
    input.placeholder = `Find a class among ${number(names().length)}`;
    if (!input.matches(":focus")) input.value = store.state.class_name;
    clear.hidden = !input.value;
  }
  return { element, focus: () => input.focus(), update };
};
