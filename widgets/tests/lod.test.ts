import { describe, expect, it } from "vitest";
import { CrossFade, chooseLevel, HYSTERESIS, WANTED_PX } from "../src/lod";

const sizes = [10, 20, 40, 80];

describe("level of detail", () => {
  it("shows the finest grid whose cells are large enough", () => {
    expect(chooseLevel(sizes, 100, 0)).toBe(10);
    expect(chooseLevel(sizes, WANTED_PX * 20, 0)).toBe(20);
    expect(chooseLevel(sizes, WANTED_PX * 79.9, 0)).toBe(40);
    expect(chooseLevel(sizes, 1e6, 0)).toBe(80);
  });

  it("does not flicker where two levels meet", () => {
    const edge = WANTED_PX * 40;
    expect(chooseLevel(sizes, edge * 1.001, 20)).toBe(40);
    for (const world of [edge * 0.999, edge * 0.9, edge * (HYSTERESIS + 0.01)]) {
      expect(chooseLevel(sizes, world, 40)).toBe(40);
      expect(chooseLevel(sizes, world, 20)).toBe(20);
    }
    expect(chooseLevel(sizes, edge * (HYSTERESIS - 0.01), 40)).toBe(20);
  });

  it("jumps over levels when the camera does", () => {
    expect(chooseLevel(sizes, 100, 80)).toBe(10);
    expect(chooseLevel(sizes, 1e6, 10)).toBe(80);
  });

  it("fades one level into the next, and not the first", () => {
    const fade = new CrossFade(200);
    fade.show(10, 1000, false);
    expect(fade.opacity(1000)).toBe(1);
    fade.show(20, 2000, false);
    expect(fade.previous).toBe(10);
    expect(fade.opacity(2000)).toBe(0);
    expect(fade.opacity(2100)).toBeCloseTo(0.5);
    expect(fade.opacity(2300)).toBe(1);
  });

  it("does not fade where motion is not wanted", () => {
    const fade = new CrossFade(200);
    fade.show(10, 0, true);
    fade.show(20, 10, true);
    expect(fade.opacity(10)).toBe(1);
  });
});
