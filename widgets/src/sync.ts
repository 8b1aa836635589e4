/** Keep the store and the model the same, without echoes. */
import { clampCamera, maxZoom } from "./camera";
import type { State, Store } from "./store";
import {
  type Camera,
  DEFAULT_OPTIONS,
  type Header,
  type Model,
  NO_FILTERS,
  type Options,
  type Traits,
} from "./types";

const NAMES = ["layer", "level", "camera", "class_name", "selection", "hovered", "options", "link"] as const;
/** What a kernel changes with a trait, if it does. */
const ALONG: Partial<Record<string, (typeof NAMES)[number]>> = { layer: "selection", class_name: "options" };
/** Milliseconds between two messages while a person moves. */
const PACE = 120;

/** Whatever Python says, as options that are whole. */
export const wholeOptions = (options: Partial<Options> | undefined): Options => ({
  ...DEFAULT_OPTIONS,
  ...options,
  filters: { ...NO_FILTERS, ...options?.filters },
});

/** Whatever a trait is set to, as the view can show it. */
const whole = (model: Model, name: (typeof NAMES)[number], value: unknown): unknown => {
  if (name === "options") return wholeOptions(value as Partial<Options>);
  if (name !== "camera") return value;
  const levels = (model.get("header") as Header | undefined)?.layers.flatMap((layer) => layer.levels) ?? [];
  const [x, y, zoom] = value as Camera;
  return clampCamera([x, y, zoom], maxZoom(Math.max(1, ...levels.map((level) => level.size))));
};

export const readTraits = (model: Model): Partial<Traits> => {
  const traits: Record<string, unknown> = {};
  for (const name of NAMES) {
    const value = model.get(name);
    if (value !== undefined && value !== null) traits[name] = whole(model, name, value);
  }
  return traits as Partial<Traits>;
};

export const syncTraits = (store: Store, model: Model, signal: AbortSignal): void => {
  let receiving: (typeof NAMES)[number] | null = null;
  const kernel = (model.get("header") as Header | undefined)?.kernel;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const save = (): void => {
    timer = undefined;
    model.save_changes();
  };
  store.on((changed) => {
    // What goes with a change that was received is told.
    const names = NAMES.filter((name) => changed.has(name) && name !== receiving);
    if (!names.length) return;
    for (const name of names) model.set(name, store.state[name]);
    timer ??= setTimeout(save, PACE);
  }, signal);
  for (const name of NAMES) {
    const receive = (): void => {
      const value = model.get(name);
      if (value === undefined || value === null) return;
      receiving = name;
      try {
        // Python says itself what goes with it.
        const along = kernel && ALONG[name];
        store.set({
          [name]: whole(model, name, value),
          ...(along ? { [along]: whole(model, along, model.get(along)) } : {}),
        } as Partial<State>);
      } finally {
        receiving = null;
      }
    };
    model.on(`change:${name}`, receive);
    signal.addEventListener("abort", () => model.off(`change:${name}`, receive));
  }
  signal.addEventListener("abort", () => {
    if (timer === undefined) return;
    clearTimeout(timer);
    save();
  });
};
