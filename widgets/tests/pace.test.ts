import { describe, expect, it } from "vitest";
import { Pace } from "../src/pace";

/** Frames of a machine that paints `speed` units in a millisecond beside 6 ms of other work, at 60 Hz. */
const fly = (pace: Pace, speed: number, frames: number, resting = false) => {
  let now = 1000;
  let late = 0;
  let painted = 0;
  let units = 0;
  for (let i = 0; i < frames; i++) {
    const budget = pace.begin(now, resting);
    units = budget.left;
    painted += units;
    budget.left = 0;
    const intervals = Math.max(1, Math.ceil((6 + units / speed) / (1000 / 60)));
    if (intervals > 1) late++;
    now += (intervals * 1000) / 60;
  }
  return { late: late / frames, painted: painted / frames, units };
};

describe("pace", () => {
  it("keeps a slow machine from missing frames, and uses a fast one", () => {
    const slow = fly(new Pace(), 2e4, 600);
    const fast = fly(new Pace(), 4e5, 600);
    expect(slow.late).toBeLessThan(0.05);
    expect(slow.painted).toBeGreaterThan(0.4 * 10 * 2e4);
    expect(fast.late).toBe(0);
    expect(fast.painted).toBeGreaterThan(5 * slow.painted);
  });

  it("always paints something, however late frames are", () => {
    expect(fly(new Pace(), 1, 60).units).toBeGreaterThan(0);
  });

  it("allows more at rest, and does not learn from it", () => {
    const pace = new Pace();
    const before = pace.begin(0, true).left;
    fly(pace, 1e3, 60, true);
    expect(pace.begin(1e6, true).left).toBe(before);
    expect(pace.begin(2e6, false).left).toBeLessThan(before);
  });

  it("does not take the pause before a movement for a late frame", () => {
    const pace = new Pace();
    const first = pace.begin(0, false);
    first.left = 0;
    expect(pace.begin(5000, false).left).toBeCloseTo(300_000);
  });
});
