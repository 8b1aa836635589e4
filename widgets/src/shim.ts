/** A model where there is no kernel. */
import type { Model } from "./types";

type Callback = (...args: never[]) => void;

/** A model that remembers, and tells itself. */
export const shim = (values: Record<string, unknown>): Model => {
  const listeners = new Map<string, Set<Callback>>();
  return {
    get: (name) => values[name],
    set: (name, value) => {
      values[name] = value;
      for (const listener of listeners.get(`change:${name}`) ?? []) (listener as () => void)();
    },
    save_changes: () => {},
    on: (event, callback) => {
      if (!listeners.has(event)) listeners.set(event, new Set());
      listeners.get(event)!.add(callback);
    },
    off: (event, callback) => {
      if (callback) listeners.get(event)?.delete(callback);
      else listeners.delete(event);
    },
    send: () => {},
  };
};
