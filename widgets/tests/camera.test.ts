import { describe, expect, it } from "vitest";
import { clampCamera, flight, toScreen, toWorld, visibleWorld, worldPx, zoomAt } from "../src/camera";
import type { Camera } from "../src/types";

const view = { width: 1200, height: 800 };

describe("camera", () => {
  it("shows the whole atlas at zoom 1", () => {
    const [left, top, right, bottom] = visibleWorld([0.5, 0.5, 1], view);
    expect(left).toBeLessThan(0);
    expect(top).toBeLessThan(0);
    expect(right).toBeGreaterThan(1);
    expect(bottom).toBeGreaterThan(1);
  });

  it("leaves the toolbar's height free above the whole atlas", () => {
    for (const height of [600, 700, 800, 1100]) {
      expect(toScreen([0.5, 0.5, 1], { width: 1200, height }, 0, 0)[1]).toBeGreaterThan(48);
    }
  });

  it("finds its way back from the screen to the world", () => {
    const camera: Camera = [0.31, 0.72, 5.5];
    const [x, y] = toWorld(camera, view, ...toScreen(camera, view, 0.123, 0.877));
    expect(x).toBeCloseTo(0.123, 10);
    expect(y).toBeCloseTo(0.877, 10);
  });

  it("zooms about the pointer", () => {
    const before: Camera = [0.4, 0.6, 2];
    const after = zoomAt(before, view, 300, 150, 9);
    expect(toWorld(after, view, 300, 150)).toEqual(
      toWorld(before, view, 300, 150).map((value) => expect.closeTo(value, 10)),
    );
    expect(worldPx(after, view) / worldPx(before, view)).toBeCloseTo(4.5);
  });

  it("takes any numbers and keeps the atlas in sight", () => {
    expect(clampCamera([-4, 9, 1e9], 36)).toEqual([0, 1, 36]);
    expect(clampCamera([Number.NaN, 0.2, Number.NaN], 36)).toEqual([0.5, 0.2, 1]);
  });

  it.each([
    [[0.1, 0.2, 8] as Camera, [0.9, 0.7, 20] as Camera],
    [[0.5, 0.5, 1] as Camera, [0.5, 0.5, 30] as Camera],
    [[0.3, 0.3, 4] as Camera, [0.30000001, 0.3, 4] as Camera],
  ])("flies from %j to %j", (from, to) => {
    const path = flight(from, to);
    expect(path.at(0)).toEqual(from.map((value) => expect.closeTo(value, 6)));
    expect(path.at(1)).toEqual(to.map((value) => expect.closeTo(value, 6)));
    expect(path.at(0.5).every(Number.isFinite)).toBe(true);
  });

  it("zooms out on a long way", () => {
    expect(flight([0.05, 0.5, 20], [0.95, 0.5, 20]).at(0.5)[2]).toBeLessThan(4);
  });
});
