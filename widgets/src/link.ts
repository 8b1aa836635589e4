/** Views of one page that move together, with or without a kernel. */
import type { Changed, State, Store } from "./store";

/** What linked views share. */
const SHARED = ["camera", "class_name", "level"] as const;
/** What they share when they show the same layer. */
const SAME_LAYER = ["hovered", "selection"] as const;

type Hub = Map<Store, () => void>;

/** Every module instance of the page has the same hub: notebooks load the module once for each model. */
const hub = (): Hub => {
  const key = Symbol.for("activation-atlas.views");
  const host = globalThis as unknown as Record<symbol, Hub | undefined>;
  host[key] ??= new Map();
  return host[key];
};

export const attachLink = (store: Store, signal: AbortSignal): void => {
  const stores = hub();
  let receiving = false;

  const others = (): Store[] =>
    store.state.link
      ? [...stores.keys()].filter((other) => other !== store && other.state.link === store.state.link)
      : [];

  const send = (changed: Changed): void => {
    if (receiving) return;
    const { state } = store;
    for (const other of others()) {
      const names = [...SHARED, ...(other.state.layer === state.layer ? SAME_LAYER : [])];
      const patch: Partial<State> = {};
      for (const name of names) if (changed.has(name)) Object.assign(patch, { [name]: state[name] });
      // A store that hears of this does not say it again.
      if (Object.keys(patch).length) other.set(patch);
    }
  };
  // Two stores cannot answer each other for ever: a store is silent when nothing changes.
  stores.set(store, () => {});
  store.on((changed) => {
    if (changed.has("link")) {
      const [other] = others();
      if (other) {
        receiving = true;
        store.set({ camera: other.state.camera, class_name: other.state.class_name });
        receiving = false;
      }
    }
    send(changed);
  }, signal);
  signal.addEventListener("abort", () => stores.delete(store));
};
