/** Camera arithmetic. Pure: the world is [0, 1] square, y down; the screen is in CSS pixels. */
import type { Camera } from "./types";

export interface Viewport {
  width: number;
  height: number;
}

/** Share of the free square that the atlas takes at zoom 1. */
export const FIT = 0.94;
export const MIN_ZOOM = 0.5;

/** Largest zoom for a finest grid of `size` cells: one cell fills most of the screen. */
export const maxZoom = (size: number): number => Math.max(4, size * 0.9);

/** CSS pixels that the toolbar and the search take at the top. */
const BAR = 52;

/**
 * Side of the square in the middle of the view that no panel lies on, CSS pixels.
 *
 * The middle stays the view's, so as much is left free at the foot; a low view rather lets icons go under.
 */
export const freeSide = ({ width, height }: Viewport): number =>
  Math.max(1, Math.min(width, Math.max(0.8 * height, height - 2 * BAR)));

/** CSS pixels that the whole atlas takes. */
export const worldPx = (camera: Camera, view: Viewport): number => freeSide(view) * FIT * camera[2];

export const toScreen = (camera: Camera, view: Viewport, x: number, y: number): [number, number] => {
  const scale = worldPx(camera, view);
  return [(x - camera[0]) * scale + view.width / 2, (y - camera[1]) * scale + view.height / 2];
};

export const toWorld = (camera: Camera, view: Viewport, x: number, y: number): [number, number] => {
  const scale = worldPx(camera, view);
  return [(x - view.width / 2) / scale + camera[0], (y - view.height / 2) / scale + camera[1]];
};

/** The camera at `zoom` that leaves the world under the screen point where it is. */
export const zoomAt = (camera: Camera, view: Viewport, x: number, y: number, zoom: number): Camera => {
  const [wx, wy] = toWorld(camera, view, x, y);
  const scale = worldPx([0, 0, zoom], view);
  return [wx - (x - view.width / 2) / scale, wy - (y - view.height / 2) / scale, zoom];
};

/** The nearest camera that keeps some of the atlas on the screen. */
export const clampCamera = (camera: Camera, largest: number): Camera => {
  const at = (value: number, low: number, high: number): number =>
    Number.isFinite(value) ? Math.min(high, Math.max(low, value)) : (low + high) / 2;
  return [
    at(camera[0], 0, 1),
    at(camera[1], 0, 1),
    at(Number.isFinite(camera[2]) ? camera[2] : 1, MIN_ZOOM, largest),
  ];
};

/** The screen's corners in the world: left, top, right, bottom. */
export const visibleWorld = (camera: Camera, view: Viewport): [number, number, number, number] => [
  ...toWorld(camera, view, 0, 0),
  ...toWorld(camera, view, view.width, view.height),
];

export const sameCamera = (a: Camera, b: Camera): boolean =>
  Math.abs(a[0] - b[0]) < 1e-7 && Math.abs(a[1] - b[1]) < 1e-7 && Math.abs(a[2] / b[2] - 1) < 1e-6;

/**
 * The smooth path between two cameras: zoom out, travel, zoom in, at a constant perceived speed.
 *
 * van Wijk and Nuij, "Smooth and efficient zooming and panning" (InfoVis 2003), equations 9 and 10.
 */
export const flight = (from: Camera, to: Camera): { length: number; at: (t: number) => Camera } => {
  const rho = Math.SQRT2;
  const [w0, w1] = [1 / from[2], 1 / to[2]];
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  const u1 = Math.hypot(dx, dy);
  if (u1 < 1e-6) {
    const length = Math.abs(Math.log(w1 / w0)) / rho;
    return { length, at: (t) => [from[0] + dx * t, from[1] + dy * t, 1 / (w0 * (w1 / w0) ** t)] };
  }
  const b = (w: number, sign: number): number =>
    (w1 * w1 - w0 * w0 + sign * rho ** 4 * u1 * u1) / (2 * w * rho * rho * u1);
  const r = (value: number): number => Math.log(Math.sqrt(value * value + 1) - value);
  const r0 = r(b(w0, 1));
  const length = (r(b(w1, -1)) - r0) / rho;
  return {
    length,
    at: (t) => {
      const s = t * length;
      const u = (w0 / (rho * rho)) * (Math.cosh(r0) * Math.tanh(rho * s + r0) - Math.sinh(r0));
      const w = (w0 * Math.cosh(r0)) / Math.cosh(rho * s + r0);
      const share = t >= 1 ? 1 : u / u1;
      return [from[0] + dx * share, from[1] + dy * share, t >= 1 ? to[2] : 1 / w];
    },
  };
};
