/** The columns of a level's cells, as they come from Python: one buffer, typed arrays over it. */

export interface ColumnInfo {
  dtype: "int32" | "float32" | "uint8";
  shape: number[];
  offset: number;
  bytes: number;
}

export interface CellsInfo {
  n: number;
  columns: Record<string, ColumnInfo>;
}

type Column = Int32Array | Float32Array | Uint8Array;

const TYPES = { int32: Int32Array, float32: Float32Array, uint8: Uint8Array } as const;

/** Aligned bytes: a view into a message may start anywhere. */
export const aligned = (data: ArrayBuffer | ArrayBufferView): ArrayBuffer => {
  if (data instanceof ArrayBuffer) return data;
  return data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength) as ArrayBuffer;
};

/** Cells of one grid, row i of every column being icon i. */
export class Cells {
  readonly n: number;
  readonly cell: Int32Array;
  readonly count: Int32Array;
  readonly spread: Float32Array;
  /** NaN where it is not known. */
  readonly cosine: Float32Array;
  /** 1 where the members fall into two groups. */
  readonly mixture: Uint8Array;
  /** (n, top) class numbers, largest attribution first; -1 for none. */
  readonly topClass: Int32Array;
  readonly topValue: Float32Array;
  readonly top: number;
  private readonly rows: Int32Array;
  private laid: Int32Array | null = null;
  private laidFor = 0;

  constructor(
    info: CellsInfo,
    data: ArrayBuffer | ArrayBufferView,
    readonly size: number,
  ) {
    const buffer = aligned(data);
    this.n = info.n;
    const column = <T extends Column>(name: string, missing: T): T => {
      const at = info.columns[name];
      if (!at) return missing;
      const Type = TYPES[at.dtype];
      return new Type(buffer, at.offset, at.bytes / Type.BYTES_PER_ELEMENT) as T;
    };
    const { n } = info;
    this.cell = column("cell", new Int32Array(n));
    this.count = column("count", new Int32Array(n));
    this.spread = column("spread", new Float32Array(n).fill(Number.NaN));
    this.cosine = column("cosine", new Float32Array(n).fill(Number.NaN));
    this.mixture = column("mixture", new Uint8Array(n));
    this.topClass = column("top_class", new Int32Array(0));
    this.topValue = column("top_value", new Float32Array(0));
    this.top = n > 0 ? this.topClass.length / n : 0;
    this.rows = new Int32Array(size * size).fill(-1);
    for (let i = 0; i < n; i++) this.rows[this.cell[i]!] = i;
  }

  /** Row of a cell, -1 where it is empty or outside. */
  row(column: number, row: number): number {
    if (column < 0 || row < 0 || column >= this.size || row >= this.size) return -1;
    return this.rows[row * this.size + column]!;
  }

  rowOf(cell: number): number {
    return cell >= 0 && cell < this.rows.length ? this.rows[cell]! : -1;
  }

  /**
   * Places of the icons in sheets that are laid out square after square of the grid, `columns` cells a side.
   *
   * atlas/blocks.py's `block_order`: squares by rows, within each its cells by rows, no place left empty.
   */
  blocks(columns: number): Int32Array {
    if (this.laid && this.laidFor === columns) return this.laid;
    const [across, area] = [Math.ceil(this.size / columns), columns ** 2];
    const keys = Float64Array.from(this.cell, (cell, row) => {
      const [x, y] = [cell % this.size, Math.floor(cell / this.size)];
      const square = Math.floor(y / columns) * across + Math.floor(x / columns);
      // The key and the row in one number: such numbers are sorted many times faster than rows by their key.
      return (square * area + (y % columns) * columns + (x % columns)) * this.n + row;
    }).sort();
    this.laid = new Int32Array(this.n);
    for (let place = 0; place < this.n; place++) this.laid[keys[place]! % this.n] = place;
    this.laidFor = columns;
    return this.laid;
  }

  /** Centre of the cell in row i, in [0, 1]. */
  centre(i: number): [number, number] {
    const cell = this.cell[i]!;
    return [((cell % this.size) + 0.5) / this.size, (Math.floor(cell / this.size) + 0.5) / this.size];
  }

  /** Smallest and largest finite value of a measure; [0, 1] when there is none. */
  range(values: ArrayLike<number>): [number, number] {
    let low = Number.POSITIVE_INFINITY;
    let high = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      if (value < low) low = value;
      if (value > high) high = value;
    }
    return low <= high ? [low, high] : [0, 1];
  }
}

export const cellId = (size: number, cell: number): string => `${size}/${cell}`;

/** Grid size and cell of an id such as "40/812"; null when it is none. */
export const parseCellId = (id: string): [size: number, cell: number] | null => {
  const match = /^(\d{1,6})\/(\d{1,12})$/.exec(id);
  return match ? [Number(match[1]), Number(match[2])] : null;
};
