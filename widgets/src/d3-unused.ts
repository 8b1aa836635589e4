/**
 * What d3-zoom imports for transitions, which the viewer never makes: it flies by itself (fly.ts). The build puts this
 * in place of d3-transition and d3-interpolate, whose colours alone would take 9 KB gzipped.
 */
import { selection } from "d3-selection";

export const interrupt = (): void => {};

export const interpolateZoom = (): never => {
  throw new Error("the viewer makes no d3 transitions");
};

Object.assign(selection.prototype, {
  interrupt(this: unknown) {
    return this;
  },
});
