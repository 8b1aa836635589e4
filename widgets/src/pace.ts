/**
 * How much is painted in a frame, learnt from how far apart frames are.
 *
 * A clock does not tell: what is drawn on a canvas is only noted down, and done when the frame is put together.
 */

/** Painting costs its pixels, and for every copy as much as these. */
export const COPY = 600;
/** Of those units, in a frame that moves: at first, at least, at most. */
const [START, LEAST, MOST] = [300_000, 60_000, 3e6];
/** At rest nobody waits for the next frame. */
const AT_REST = 4;
/** A frame was late when it took so many times as long as they usually do. */
const LATE = 1.35;
/** Milliseconds after which a frame is not the next one but the first of a new movement. */
const PAUSE = 250;

/** Units left in this frame; may fall below 0 by the last thing painted. */
export interface Budget {
  left: number;
}

export class Pace {
  private units = START;
  private tooMuch = Number.POSITIVE_INFINITY;
  private given: Budget = { left: 0 };
  private granted = 0;
  private rested = true;
  private last = Number.NEGATIVE_INFINITY;
  private usual = 1000 / 60;

  /** What may be painted in the frame that begins at `now` (ms). */
  begin(now: number, resting: boolean): Budget {
    const gap = now - this.last;
    this.last = now;
    const spent = this.granted - this.given.left;
    if (!this.rested && gap > 0 && gap < PAUSE && spent > 0) {
      this.usual = Math.min(gap, this.usual * 1.01);
      if (gap > LATE * this.usual) {
        this.tooMuch = this.units;
        this.units = Math.max(LEAST, this.units * 0.6);
      } else if (spent > this.granted / 2) {
        // Fast up to where it was too much, then carefully.
        this.units = Math.min(MOST, this.units * (this.units < 0.8 * this.tooMuch ? 1.15 : 1.004));
      }
    }
    this.rested = resting;
    this.granted = this.units * (resting ? AT_REST : 1);
    this.given = { left: this.granted };
    return this.given;
  }
}
