/** Views that move together: those of one page, and of pages and frames of one origin. */
import type { Changed, State, Store } from "./store";

/** What linked views share. */
const SHARED = ["camera", "class_name", "level"] as const;
/** What they share when they show the same layer. */
const SAME_LAYER = ["hovered", "selection"] as const;

/** The views of a page; its number tells what it said itself from what others say. */
type Hub = { page: number; stores: Set<Store> };
type Shared = Partial<Pick<State, (typeof SHARED)[number] | (typeof SAME_LAYER)[number]>>;
/** What is said on the channel of a link; a view that joins asks for the place of the others. */
type Said = { page: number } & ({ layer: string; patch: Shared } | { join: true });

/** Every module instance of the page has the same hub: notebooks load the module once for each model. */
const hub = (): Hub => {
  const key = Symbol.for("activation-atlas.views");
  const host = globalThis as unknown as Record<symbol, Hub | undefined>;
  host[key] ??= { page: Math.random(), stores: new Set() };
  return host[key];
};

/** The channel of a link to other pages; null where the browser gives none. */
const channelOf = (link: string): BroadcastChannel | null => {
  try {
    return link ? new BroadcastChannel(`activation-atlas ${link}`) : null;
  } catch {
    return null; // An opaque origin, or an old browser: views of this page still move together.
  }
};

const only = (names: readonly (keyof Shared)[], state: Shared): Shared =>
  Object.fromEntries(names.filter((name) => state[name] !== undefined).map((name) => [name, state[name]]));

export const attachLink = (store: Store, signal: AbortSignal): void => {
  const { page, stores } = hub();
  let channel: BroadcastChannel | null = null;
  // What came from afar is not said again.
  let receiving = false;

  const others = (): Store[] =>
    store.state.link
      ? [...stores].filter((other) => other !== store && other.state.link === store.state.link)
      : [];
  const take = (patch: Shared): void => {
    receiving = true;
    try {
      store.set(patch);
    } finally {
      receiving = false;
    }
  };
  /** Of what another view says, which shows that layer, all that is this one's too. */
  const shared = (layer: string, said: Shared): Shared =>
    only(layer === store.state.layer ? [...SHARED, ...SAME_LAYER] : SHARED, said);
  const tune = (): void => {
    channel?.close();
    channel = channelOf(store.state.link);
    if (!channel) return;
    channel.onmessage = ({ data }: MessageEvent<Said>) => {
      // Views of this page have heard of it, and may have gone on.
      if (data.page === page) return;
      const { layer } = store.state;
      if ("join" in data)
        channel?.postMessage({ page, layer, patch: shared(layer, store.state) } satisfies Said);
      else take(shared(data.layer, data.patch));
    };
  };
  const send = (changed: Changed): void => {
    if (receiving) return;
    const { state } = store;
    const names = [...SHARED, ...SAME_LAYER].filter((name) => changed.has(name));
    if (!names.length || !state.link) return;
    for (const other of others()) {
      const shared = other.state.layer === state.layer ? names : SHARED.filter((name) => changed.has(name));
      other.set(only(shared, state));
    }
    channel?.postMessage({ page, layer: state.layer, patch: only(names, state) } satisfies Said);
  };
  stores.add(store);
  tune();
  store.on((changed) => {
    if (changed.has("link")) {
      tune();
      const [other] = others();
      if (other) take(shared(other.state.layer, other.state));
      else channel?.postMessage({ page, join: true } satisfies Said);
    }
    send(changed);
  }, signal);
  signal.addEventListener("abort", () => {
    stores.delete(store);
    channel?.close();
  });
};
