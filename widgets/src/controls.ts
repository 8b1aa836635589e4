/** The buttons: zoom, fit, full screen, lasso, display and filters, link, help; choice of level and layer. */
import type { Context } from "./context";
import { glyph, h, uid } from "./dom";
import { GLYPHS } from "./glyphs";
import { zoomBy } from "./keyboard";

export interface ControlsHost {
  /** Content of the panel that the sliders button opens. */
  panel: HTMLElement;
  help: HTMLElement;
  /** Copies a link to the present state; null where there is no address to copy. */
  copyLink: (() => Promise<void>) | null;
}

const button = (name: string, key: string, path: string, press: () => void): HTMLButtonElement =>
  h(
    "button",
    {
      type: "button",
      class: "aa-tool",
      "aria-label": name,
      "data-aa-tip": key ? `${name}  ${key}` : name,
      onclick: press,
    },
    glyph(path),
  );

/** A choice among a few, as a row of radio buttons that looks like one control; many become a list. */
const choice = (name: string, pick: (value: string) => void) => {
  const select = h("select", { "aria-label": name, onchange: () => pick(select.value) });
  let stamp = "";
  return {
    element: select,
    update: (options: readonly (readonly [string, string])[], value: string): void => {
      const wanted = JSON.stringify(options);
      if (wanted !== stamp) {
        stamp = wanted;
        select.replaceChildren(...options.map(([key, text]) => h("option", { value: key }, text)));
      }
      select.value = value;
    },
  };
};

export const makeControls = (
  context: Context,
  { panel, help, copyLink }: ControlsHost,
): { elements: HTMLElement[]; update: () => void } => {
  const { store, root, signal } = context;

  const level = choice("Grid level", (value) => store.set({ level: Number(value) }));
  const layer = choice("Layer", (value) => store.set({ layer: value }));
  const layerBox = h("label", { class: "aa-choice" }, h("span", {}, "Layer"), layer.element);
  const levelBox = h("label", { class: "aa-choice" }, h("span", {}, "Grid"), level.element);

  /** A button that opens and closes a panel. */
  const opener = (opens: HTMLElement, made: HTMLButtonElement): HTMLButtonElement => {
    opens.id = uid("panel");
    opens.hidden = true;
    made.setAttribute("aria-expanded", "false");
    made.setAttribute("aria-controls", opens.id);
    const show = (open: boolean): void => {
      opens.hidden = !open;
      made.setAttribute("aria-expanded", String(open));
    };
    made.addEventListener("click", () => {
      const open = opens.hidden === true;
      root.dispatchEvent(new CustomEvent("aa-close"));
      show(open);
      root.dispatchEvent(new CustomEvent("aa-open"));
      const parts = open ? [...opens.querySelectorAll<HTMLElement>("input, button")] : [];
      parts.find((part) => part.offsetWidth)?.focus();
    });
    made.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || opens.hidden) return;
      event.stopPropagation();
      show(false);
    });
    root.addEventListener("aa-close", () => show(false), { signal });
    opens.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      show(false);
      made.focus();
    });
    return made;
  };
  context.stage.addEventListener("pointerdown", () => root.dispatchEvent(new CustomEvent("aa-close")), {
    signal,
  });

  const display = opener(
    panel,
    button("Display and filters", "", GLYPHS.sliders, () => {}),
  );
  const helper = opener(
    help,
    button("Keys and gestures", "", GLYPHS.help, () => {}),
  );
  const draw = (): void => store.set({ lasso: !store.state.lasso });
  const lasso = button("Select with a lasso", "L", GLYPHS.lasso, draw);
  const full = button("Full screen", "", GLYPHS.full, () => {
    const going = document.fullscreenElement ? document.exitFullscreen() : root.requestFullscreen();
    going.catch(() => context.fail("The browser refused full screen."));
  });
  full.hidden = !document.fullscreenEnabled;
  root.addEventListener("fullscreenchange", () => {
    full.ariaLabel = full.dataset.aaTip = root.matches(":fullscreen") ? "Leave full screen" : "Full screen";
  });
  const copy = (): void => void copyLink?.();
  const link = copyLink && button("Copy link to this place", "", GLYPHS.link, copy);
  // Where there is no room for them among the buttons, they are in the panel.
  const inPanel = (text: string, press: () => void): HTMLElement => {
    const made = h("button", { type: "button", class: "aa-button", onclick: press }, text);
    made.addEventListener("click", () => root.dispatchEvent(new CustomEvent("aa-close")));
    return made;
  };
  panel.prepend(
    h("div", { class: "aa-more" }, inPanel("Select with a lasso", draw), link && inPanel("Copy link", copy)),
  );
  for (const one of [lasso, link]) one?.classList.add("aa-wide");

  const fit = button("Whole atlas", "Home", GLYPHS.fit, () => context.fly([0.5, 0.5, 1]));
  const zoomIn = button("Zoom in", "+", GLYPHS.plus, () => zoomBy(context, 1.6));
  const zoomOut = button("Zoom out", "−", GLYPHS.minus, () => zoomBy(context, 1 / 1.6));

  const top = h("div", { class: "aa-top", role: "group", "aria-label": "Atlas" });
  top.append(h("div", { class: "aa-group aa-panel" }, layerBox, levelBox));
  top.append(h("div", { class: "aa-group aa-panel" }, lasso, display, ...(link ? [link] : []), helper, full));
  const zoom = h(
    "div",
    { class: "aa-zoom aa-panel", role: "group", "aria-label": "Zoom" },
    zoomIn,
    zoomOut,
    fit,
  );

  return {
    elements: [top, panel, help, zoom],
    update: () => {
      const { state } = store;
      const { layers } = context.header();
      const sizes = context.layer().levels.map((one) => one.size);
      const automatic = state.shown && context.view().width >= 500 ? `Auto · ${state.shown}` : "Auto";
      level.update(
        [["0", automatic], ...sizes.map((size) => [String(size), `${size} × ${size}`] as const)],
        sizes.includes(state.level) ? String(state.level) : "0",
      );
      levelBox.hidden = sizes.length < 2;
      layer.update(
        layers.map((one) => [one.name, one.name] as const),
        context.layer().name,
      );
      layerBox.hidden = layers.length < 2;
      (top.firstElementChild as HTMLElement).hidden = levelBox.hidden && layerBox.hidden;
      lasso.setAttribute("aria-pressed", String(state.lasso));
      const { filters, density } = state.options;
      display.classList.toggle("aa-on", density || Object.values(filters).some(Boolean));
    },
  };
};
