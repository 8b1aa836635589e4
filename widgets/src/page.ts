/** The viewer in a page of its own: a model without a kernel. */

import { shim } from "./shim";
import { type Payload, pageSource } from "./source-page";
import { DEFAULT_OPTIONS, type Header, type Model, type Traits } from "./types";
import { openView } from "./viewer";

export interface Atlas {
  header: Header;
  /** Or the number of a view of the page that has the same. */
  payload: Payload | number;
  state?: Partial<Traits>;
  el?: HTMLElement;
  /** Id of the element to show it in; "atlas" where there is one view. */
  at?: string;
  /** Whether the address bar is another view's. */
  follows?: boolean;
  /** For scripts of the page: shows the atlas anew, and gives the function that closes the view again. */
  open?: () => () => void;
  /** Closes the view that is shown. */
  close?: () => void;
  /** The view's state while it is shown, for scripts of the page: `get`, `set`, `on("change:camera", …)`. */
  model?: Model;
}

/** Show an atlas in `el`; the function that is returned closes the view and frees what it took. */
export const mount = (el: HTMLElement, atlas: Atlas): (() => void) => {
  const ending = new AbortController();
  const { header } = atlas;
  const model = shim({
    header,
    layer:
      header.markers[0]?.layer ?? (header.layers.find((one) => one.labels) ?? header.layers[0])?.name ?? "",
    level: 0,
    camera: [0.5, 0.5, 1],
    class_name: "",
    selection: [],
    hovered: "",
    options: DEFAULT_OPTIONS,
    link: "",
    ...atlas.state,
  });
  atlas.model = model;
  const source = pageSource(atlas.payload as Payload);
  openView({
    model,
    el,
    source,
    live: null,
    kernel: null,
    address: !atlas.follows,
    signal: ending.signal,
  });
  return () => ending.abort();
};
