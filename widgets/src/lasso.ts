/** Cells inside a line that was drawn around them. Pure. */
import type { Cells } from "./cells";

export type Point = readonly [x: number, y: number];

/** Whether a point lies in a closed polygon, by the even-odd rule. */
export const inside = (polygon: readonly Point[], x: number, y: number): boolean => {
  let odd = false;
  for (let i = 0, j = polygon.length - 1; i < polygon.length; j = i++) {
    const [xi, yi] = polygon[i]!;
    const [xj, yj] = polygon[j]!;
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) odd = !odd;
  }
  return odd;
};

/** Rows whose centres the polygon holds; both in [0, 1]. */
export const rowsInside = (cells: Cells, polygon: readonly Point[]): number[] => {
  const rows: number[] = [];
  if (polygon.length < 3) return rows;
  const xs = polygon.map((point) => point[0]);
  const ys = polygon.map((point) => point[1]);
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  for (let i = 0; i < cells.n; i++) {
    const [x, y] = cells.centre(i);
    if (x >= left && x <= right && y >= top && y <= bottom && inside(polygon, x, y)) rows.push(i);
  }
  return rows;
};
