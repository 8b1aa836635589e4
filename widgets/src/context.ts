/** What the parts of a view share. */
import type { Viewport } from "./camera";
import type { Grid } from "./paint";
import type { Source } from "./source";
import type { Store } from "./store";
import type { Camera, Header, LayerInfo } from "./types";

export interface Context {
  /** The whole view, and the part of it that the picture fills. */
  root: HTMLElement;
  stage: HTMLElement;
  store: Store;
  source: Source;
  signal: AbortSignal;
  header(): Header;
  layer(): LayerInfo;
  /** The grid on the screen; null until its cells are here. */
  grid(): Grid | null;
  /** A grid of the layer on the screen by its size; null until its cells are here. */
  gridOf(size: number): Grid | null;
  view(): Viewport;
  maxZoom(): number;
  /** Draw the picture again at the next frame. */
  redraw(): void;
  /** Fly there; at once where motion is not wanted. Without seconds, as long as the way takes. */
  fly(camera: Camera, seconds?: number): void;
  /** Whether the camera is on its way. */
  flying(): boolean;
  /** Tell screen readers. */
  say(text: string): void;
  /** Show a sentence that something failed. */
  fail(text: string): void;
  /** Name of a class; its number where there are no names. */
  className(index: number): string;
  /** Attribution of cells to the chosen class; of those on the screen without a grid. */
  attribution(grid?: Grid): Float32Array | null;
}
