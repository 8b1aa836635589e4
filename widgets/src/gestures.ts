/** Wheel, pinch, drag and double click through d3-zoom, with inertia; the camera is the store's. */
import { select } from "d3-selection";
import { type D3ZoomEvent, zoom as d3zoom, zoomIdentity } from "d3-zoom";
import { clampCamera, FIT, freeSide, MIN_ZOOM, type Viewport } from "./camera";
import type { Camera } from "./types";

/** Time in which a thrown map loses all but a third of its speed, ms. */
const FRICTION = 280;
/** A finger that has not moved for so long before it let go did not throw, ms. */
const RESTED = 70;
/** Speed below which a throw is a drop, CSS px per ms. */
const SLOW = 0.05;

export interface GestureHost {
  view(): Viewport;
  camera(): Camera;
  move(camera: Camera, by: "wheel" | "drag" | "throw"): void;
  /** Zoom by a factor about a point of the element. */
  closer(x: number, y: number, factor: number): void;
  maxZoom(): number;
  /** Whether the plain wheel and a single finger are the viewer's. */
  focused(): boolean;
  /** Told when the wheel was left to the page. */
  wheelRefused(): void;
  /** Whether dragging means something else. */
  dragTaken(event: Event): boolean;
  reducedMotion(): boolean;
}

export const attachGestures = (
  element: HTMLElement,
  host: GestureHost,
  signal: AbortSignal,
): { sync: () => void; stop: () => void } => {
  let syncing = false;
  let trail: { t: number; x: number; y: number }[] = [];
  let throwing = 0;

  const stop = (): void => {
    cancelAnimationFrame(throwing);
    throwing = 0;
  };

  const scale = (): number => freeSide(host.view()) * FIT;

  const coast = (vx: number, vy: number): void => {
    let last = performance.now();
    const step = (now: number): void => {
      const dt = Math.min(64, now - last);
      last = now;
      const decay = Math.exp(-dt / FRICTION);
      const camera = host.camera();
      const px = scale() * camera[2];
      const moved = clampCamera(
        [camera[0] - (vx * dt) / px, camera[1] - (vy * dt) / px, camera[2]],
        host.maxZoom(),
      );
      vx *= decay;
      vy *= decay;
      host.move(moved, "throw");
      throwing = Math.hypot(vx, vy) > SLOW / 2 ? requestAnimationFrame(step) : 0;
      if (!throwing) sync();
    };
    throwing = requestAnimationFrame(step);
  };

  const behaviour = d3zoom<HTMLElement, unknown>()
    // Asked of the element, it would be laid out again at every step.
    .extent(() => [
      [0, 0],
      [host.view().width, host.view().height],
    ])
    .filter((event: Event) => {
      if (event instanceof WheelEvent) {
        if (event.ctrlKey || host.focused()) return true;
        host.wheelRefused();
        return false;
      }
      if (host.dragTaken(event)) return false;
      // One finger scrolls the page until the view is tapped.
      if ("touches" in event && (event as TouchEvent).touches.length < 2 && !host.focused()) return false;
      return !(event instanceof MouseEvent && event.button !== 0);
    })
    .wheelDelta(
      (event) =>
        -event.deltaY *
        (event.deltaMode === 1 ? 0.05 : event.deltaMode ? 1 : 0.002) *
        (event.ctrlKey ? 6 : 1),
    )
    .on("start", (event: D3ZoomEvent<HTMLElement, unknown>) => {
      if (syncing) return;
      stop();
      trail = [{ t: performance.now(), x: event.transform.x, y: event.transform.y }];
    })
    .on("zoom", (event: D3ZoomEvent<HTMLElement, unknown>) => {
      if (syncing) return;
      const { k, x, y } = event.transform;
      const { width, height } = host.view();
      const px = scale() * k;
      const camera = clampCamera([(width / 2 - x) / px, (height / 2 - y) / px, k], host.maxZoom());
      const source = event.sourceEvent as Event | null;
      // What moves because it grows is not thrown.
      if (k !== host.camera()[2]) trail = [];
      trail.push({ t: performance.now(), x, y });
      if (trail.length > 6) trail.shift();
      host.move(camera, source instanceof WheelEvent ? "wheel" : "drag");
    })
    .on("end", (event: D3ZoomEvent<HTMLElement, unknown>) => {
      if (syncing) return;
      const source = event.sourceEvent as Event | null;
      const [first, last] = [trail[0], trail[trail.length - 1]];
      if (
        !source ||
        source instanceof WheelEvent ||
        host.reducedMotion() ||
        !first ||
        !last ||
        first === last
      ) {
        sync();
        return;
      }
      const now = performance.now();
      const dt = last.t - first.t;
      const [vx, vy] = [(last.x - first.x) / dt, (last.y - first.y) / dt];
      if (now - last.t < RESTED && dt > 0 && Math.hypot(vx, vy) > SLOW) coast(vx, vy);
      else sync();
    });

  const selection = select(element).call(behaviour);
  // Also called by d3 for a double tap.
  selection.on("dblclick.zoom", (event: MouseEvent | TouchEvent) => {
    const touch = "changedTouches" in event ? event.changedTouches[0] : event;
    if (!touch || host.dragTaken(event)) return;
    event.preventDefault();
    const box = element.getBoundingClientRect();
    host.closer(touch.clientX - box.left, touch.clientY - box.top, event.shiftKey ? 0.5 : 2);
  });

  /** Tell d3 where the camera is, after others moved it. */
  function sync(): void {
    const camera = host.camera();
    const { width, height } = host.view();
    const px = scale() * camera[2];
    behaviour.scaleExtent([MIN_ZOOM, host.maxZoom()]);
    const to = zoomIdentity
      .translate(width / 2 - camera[0] * px, height / 2 - camera[1] * px)
      .scale(camera[2]);
    syncing = true;
    behaviour.transform(selection, to);
    syncing = false;
  }

  signal.addEventListener("abort", () => {
    stop();
    selection.on(".zoom", null);
  });
  sync();
  return { sync, stop };
};
