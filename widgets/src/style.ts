/** How each cell looks: filters, density and the heat map of a class. Pure. */
import type { Cells } from "./cells";
import type { Bounds, Measure, Options } from "./types";

/** Opacity of a cell that a filter leaves out. */
export const DIM = 0.12;
/** Side of the emptiest cell's icon, as a share of its cell. */
const SMALLEST = 0.18;
/** Logarithms of counts are close together: the difference to the largest icon is stretched by this. */
const CONTRAST = 1.8;

export interface Style {
  /** Opacity of each icon; 0 is not drawn. */
  alpha: Float32Array;
  /** Side of each icon, as a share of its cell; null where all fill it. */
  scale: Float32Array | null;
  /** Attribution to the class over the largest of it, -1 to 1; null without a heat map. */
  heat: Float32Array | null;
  /** Class of the heat map, -1 without one: not the one chosen, while its attribution has yet to come. */
  classIndex: number;
  /** Largest absolute attribution. */
  heatMax: number;
  /** Cells that are kept. */
  kept: number;
}

const within = (value: number, bounds: Bounds): boolean =>
  bounds === null || (value >= bounds[0] && value <= bounds[1]);

/** The largest absolute value that is finite. */
export const largest = (values: ArrayLike<number>): number => {
  let most = 0;
  for (let i = 0; i < values.length; i++) {
    const value = Math.abs(values[i]!);
    if (value > most && value < Number.POSITIVE_INFINITY) most = value;
  }
  return most;
};

/** Values of a measure, one a cell; null where it needs a class and there is none. */
export const measured = (
  cells: Cells,
  measure: Measure,
  heat: Float32Array | null,
): ArrayLike<number> | null => (measure === "attribution" ? heat : cells[measure]);

export const styleCells = (
  cells: Cells,
  options: Options,
  attribution: Float32Array | null,
  classIndex = -1,
): Style => {
  const { n } = cells;
  const alpha = new Float32Array(n).fill(1);
  const heatMax = attribution ? largest(attribution) : 0;
  let heat: Float32Array | null = null;
  if (attribution) {
    heat = new Float32Array(n);
    for (let i = 0; i < n; i++) heat[i] = heatMax ? attribution[i]! / heatMax : 0;
  }
  const left = options.mode === "hide" ? 0 : DIM;
  let kept = n;
  const bounded = (["count", "spread", "cosine", "attribution"] as const).filter(
    (name) => options.filters[name],
  );
  const columns = bounded.map((name) => [measured(cells, name, attribution), options.filters[name]] as const);
  if (columns.length) {
    kept = 0;
    for (let i = 0; i < n; i++) {
      // A measure that is not known (NaN) fails any bound on it.
      if (columns.every(([values, bounds]) => !values || within(values[i]!, bounds))) kept++;
      else alpha[i] = left;
    }
  }
  let scale: Float32Array | null = null;
  if (options.density) {
    scale = new Float32Array(n);
    const most = Math.log1p(cells.range(cells.count)[1]);
    for (let i = 0; i < n; i++) {
      // Area follows the logarithm of the count: a few cells hold most members.
      const side = Math.sqrt(Math.log1p(cells.count[i]!) / Math.max(1e-9, most));
      scale[i] = Math.max(SMALLEST, 1 - options.density_strength * (1 - side) * CONTRAST);
    }
  }
  return { alpha, scale, heat, classIndex: heat ? classIndex : -1, heatMax, kept };
};
