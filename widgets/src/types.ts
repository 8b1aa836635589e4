/** What Python and the viewer say to each other. Described in docs/viewer.md. */

export interface LevelInfo {
  /** Cells a side. */
  size: number;
  /** Cells that are not empty. */
  cells: number;
  icon_px: number;
  /** Pixels of a sheet from one icon to the next. */
  pitch: number;
  /** Pixels before an icon within its pitch. */
  frame: number;
  /** Icons in a row of a sheet, and rows in a sheet. */
  columns: number;
  sheet_px: number;
  sheets: number;
  /** Whether sheets are laid out square after square of the grid; otherwise in the order of the cells. */
  blocks?: boolean;
  /** Pixels of a cell in the level's overview; absent or 0 where it has none. */
  overview_px?: number;
  /** Whether icons are rendered. */
  icons: boolean;
}

export interface LayerInfo {
  name: string;
  /** Whether class labels carry information at this layer. */
  labels: boolean;
  /** A sentence about labels that do not. */
  note: string | null;
  /** Whether cells have attributions to every class, which heat maps show. */
  attributions: boolean;
  levels: LevelInfo[];
}

export interface Marker {
  x: number;
  y: number;
  text: string;
  colour: string;
  layer: string | null;
}

export interface Axes {
  left: string;
  right: string;
  vertical: string | null;
}

export interface Header {
  schema: number;
  id?: string;
  name: string;
  title: string | null;
  kernel: boolean;
  classes: string[] | null;
  layers: LayerInfo[];
  markers: Marker[];
  axes: Axes | null;
  patches: "none" | "baked" | "kernel";
}

/** Centre in [0, 1], y down, and magnification: at zoom 1 the whole atlas fits. */
export type Camera = [x: number, y: number, zoom: number];

/** Bounds that are kept, both included; null is no bound at all. */
export type Bounds = [low: number, high: number] | null;

export type Measure = "count" | "spread" | "cosine" | "attribution";

export interface Options {
  /** Icons are as large as their cells are full. */
  density: boolean;
  /** How much: 0 not at all, 1 as far as it goes. */
  density_strength: number;
  labels: boolean;
  filters: Record<Measure, Bounds>;
  /** What becomes of the cells that a filter or class leaves out. */
  mode: "dim" | "hide";
}

/** State that Python sees, both ways. */
export interface Traits {
  layer: string;
  /** Grid size; 0 chooses by the size of cells on the screen. */
  level: number;
  camera: Camera;
  /** Class of the heat map; "" is none. */
  class_name: string;
  /** Cells as "LEVEL/CELL". */
  selection: string[];
  hovered: string;
  options: Options;
  /** Views with the same link move together, also those of other pages of the origin; "" is none. */
  link: string;
}

/** The part of an anywidget model that the viewer uses. */
export interface Model {
  get(name: string): unknown;
  set(name: string, value: unknown): void;
  save_changes(): void;
  on(event: string, callback: (...args: never[]) => void): void;
  off(event: string, callback?: ((...args: never[]) => void) | null): void;
  send(content: unknown): void;
}

export const NO_FILTERS: Record<Measure, Bounds> = {
  count: null,
  spread: null,
  cosine: null,
  attribution: null,
};

export const DEFAULT_OPTIONS: Options = {
  density: false,
  density_strength: 0.8,
  labels: true,
  filters: NO_FILTERS,
  mode: "dim",
};
