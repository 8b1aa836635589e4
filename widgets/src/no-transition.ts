/** In place of d3-transition, of which d3-zoom needs one function: the viewer flies by itself (saves 9 KB gzipped). */
import { selection } from "d3-selection";

export const interrupt = (): void => {};

Object.assign(selection.prototype, {
  interrupt(this: unknown) {
    return this;
  },
});
