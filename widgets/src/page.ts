/** The viewer in a page of its own: a model without a kernel. */
import { Sheets } from "./sheets";
import { type Payload, pageSource } from "./source-page";
import { DEFAULT_OPTIONS, type Header, type Model, type Traits } from "./types";
import { openView } from "./viewer";

export interface Atlas {
  header: Header;
  payload: Payload;
  state?: Partial<Traits>;
  el?: HTMLElement;
}

type Callback = (...args: never[]) => void;

/** A model that remembers, and tells itself. */
export const shim = (values: Record<string, unknown>): Model => {
  const listeners = new Map<string, Set<Callback>>();
  return {
    get: (name) => values[name],
    set: (name, value) => {
      values[name] = value;
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

/** Show an atlas in `el`; the function that is returned closes the view and frees what it took. */
export const mount = (el: HTMLElement, atlas: Atlas): (() => void) => {
  const ending = new AbortController();
  const { header } = atlas;
  const model = shim({
    header,
    layer: header.layers[0]?.name ?? "",
    level: 0,
    camera: [0.5, 0.5, 1],
    class_name: "",
    selection: [],
    hovered: "",
    options: DEFAULT_OPTIONS,
    link: "",
    ...atlas.state,
  });
  const source = pageSource(atlas.payload);
  openView({
    model,
    el,
    source,
    sheets: new Sheets(source),
    live: null,
    kernel: null,
    signal: ending.signal,
  });
  return () => ending.abort();
};
