/** Cells for tests, made as Python makes them: columns in one buffer. */
import { Cells, type CellsInfo } from "../src/cells";

export interface Row {
  cell: number;
  count?: number;
  spread?: number;
  cosine?: number;
  top?: [classIndex: number, value: number][];
}

export const encode = (rows: Row[], top = 2): { info: CellsInfo; buffer: ArrayBuffer } => {
  const n = rows.length;
  const columns: [string, "int32" | "float32" | "uint8", number[], number[]][] = [
    ["cell", "int32", [n], rows.map((row) => row.cell)],
    ["count", "int32", [n], rows.map((row) => row.count ?? 1)],
    ["mixture", "uint8", [n], rows.map(() => 0)],
    ["spread", "float32", [n], rows.map((row) => row.spread ?? 1)],
    ["cosine", "float32", [n], rows.map((row) => row.cosine ?? Number.NaN)],
    ["top_class", "int32", [n, top], rows.flatMap((row) => range(top).map((t) => row.top?.[t]?.[0] ?? -1))],
    ["top_value", "float32", [n, top], rows.flatMap((row) => range(top).map((t) => row.top?.[t]?.[1] ?? 0))],
  ];
  const info: CellsInfo = { n, columns: {} };
  const chunks: Uint8Array[] = [];
  let offset = 0;
  for (const [name, dtype, shape, values] of columns) {
    const array = { int32: Int32Array, float32: Float32Array, uint8: Uint8Array }[dtype].from(values);
    info.columns[name] = { dtype, shape, offset, bytes: array.byteLength };
    const padded = new Uint8Array(Math.ceil(array.byteLength / 4) * 4);
    padded.set(new Uint8Array(array.buffer));
    chunks.push(padded);
    offset += padded.length;
  }
  const buffer = new Uint8Array(offset);
  let position = 0;
  for (const chunk of chunks) {
    buffer.set(chunk, position);
    position += chunk.length;
  }
  return { info, buffer: buffer.buffer };
};

const range = (length: number): number[] => Array.from({ length }, (_, i) => i);

export const makeCells = (size: number, rows: Row[]): Cells => {
  const { info, buffer } = encode(rows);
  return new Cells(info, buffer, size);
};
