/** Flights of the camera; nothing moves by itself where motion is not wanted. */
import { clampCamera, flight, sameCamera } from "./camera";
import type { Context } from "./context";
import { reducedMotion } from "./theme";
import type { Camera } from "./types";

const ease = (t: number): number => (t < 0.5 ? 4 * t ** 3 : 1 - (2 - 2 * t) ** 3 / 2);

export interface Flyer {
  to(camera: Camera, seconds?: number): void;
  stop(): void;
  /** Whether a flight is under way. */
  flying(): boolean;
}

export const flyer = (context: Context): Flyer => {
  let frame = 0;
  const stop = (): void => {
    if (!frame) return;
    cancelAnimationFrame(frame);
    frame = 0;
    context.redraw();
  };
  context.signal.addEventListener("abort", stop);
  const to = (target: Camera, seconds?: number): void => {
    stop();
    const goal = clampCamera(target, context.maxZoom());
    const from = context.store.state.camera;
    if (sameCamera(from, goal)) return;
    const path = flight(from, goal);
    const duration = seconds === undefined ? Math.min(1800, 250 + 420 * path.length) : seconds * 1000;
    if (duration <= 0 || reducedMotion()) {
      context.store.set({ camera: goal });
      return;
    }
    const begun = performance.now();
    const step = (now: number): void => {
      const t = Math.min(1, Math.max(0, (now - begun) / duration));
      frame = t < 1 ? requestAnimationFrame(step) : 0;
      context.store.set({ camera: t < 1 ? path.at(ease(t)) : goal });
      context.redraw();
    };
    frame = requestAnimationFrame(step);
    context.redraw();
  };
  return { to, stop, flying: () => frame !== 0 };
};
