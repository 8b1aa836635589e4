/** Where an atlas comes from: a kernel, a page, or a folder beside a page. */
import type { Cells } from "./cells";

/** An encoded image: its bytes, which are decoded beside the main thread. An `<img>` would be decoded on it. */
export type Encoded = Blob;

export interface Rendered {
  image: Encoded;
  cosine: number | null;
}

export interface Source {
  cells(layer: string, size: number): Promise<Cells>;
  /** Hear of cells that come unasked; absent where none do. */
  onCells?(heard: (layer: string, size: number, cells: Cells) => void, signal: AbortSignal): void;
  sheet(layer: string, size: number, sheet: number): Promise<Encoded>;
  /** The whole level in one picture, `overview_px` a cell, empty cells transparent. */
  overview(layer: string, size: number): Promise<Encoded>;
  /** Attribution of every cell to one class, (n). */
  attribution(layer: string, size: number, classIndex: number): Promise<Float32Array>;
  /** Real patches of a cell, nearest to its mean first; none when they cannot be reached. */
  patches(layer: string, size: number, row: number, cell: number): Promise<Encoded[]>;
  /** Draw one cell large; null where nothing can compute. */
  render:
    | ((layer: string, size: number, cell: number, step: (share: number) => void) => Promise<Rendered>)
    | null;
}

/** Something a person can be told as it is. */
export class Said extends Error {}

/** What was asked for has been given up for something newer: nothing failed. */
export class Superseded extends Said {}

export const sentence = (error: unknown): string =>
  error instanceof Said
    ? error.message
    : `Something went wrong: ${error instanceof Error ? error.message : error}`;
