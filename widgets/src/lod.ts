/** Which grid to show: the finest whose cells are large enough, slow to change its mind. */

/** CSS pixels of a cell at which a level becomes the one to show. */
export const WANTED_PX = 36;
/** The level that is shown stays until its cells are this much smaller than wanted. */
export const HYSTERESIS = 0.8;

/**
 * Grid size to show.
 *
 * @param sizes grids in ascending order, at least one
 * @param world CSS pixels that the whole atlas takes
 * @param shown grid on the screen now, or 0
 */
export const chooseLevel = (sizes: readonly number[], world: number, shown: number): number => {
  let wanted = sizes[0] ?? 0;
  for (const size of sizes) {
    const enough = size === shown ? WANTED_PX * HYSTERESIS : WANTED_PX;
    if (world / size >= enough) wanted = size;
  }
  // Between the two thresholds of the next coarser level nothing changes either.
  const at = sizes.indexOf(shown);
  if (at >= 0 && sizes.indexOf(wanted) === at - 1 && world / shown >= WANTED_PX * HYSTERESIS) return shown;
  return wanted;
};

/** Two levels while one replaces the other. */
export class CrossFade {
  shown = 0;
  previous = 0;
  private since = Number.NEGATIVE_INFINITY;

  constructor(readonly duration: number) {}

  /** Show `size` from `now` (ms) on; `instantly` for reduced motion and the first picture. */
  show(size: number, now: number, instantly: boolean): void {
    if (size === this.shown) return;
    this.previous = this.shown;
    this.shown = size;
    this.since = instantly || this.previous === 0 ? Number.NEGATIVE_INFINITY : now;
  }

  /** Opacity of the level shown: 0 when it was just chosen, 1 when the fade is over. */
  opacity(now: number): number {
    const t = this.duration > 0 ? Math.min(1, Math.max(0, (now - this.since) / this.duration)) : 1;
    return t * t * (3 - 2 * t);
  }
}
