/** Words as small pictures: writing text takes a processor longer than copying it. */
import type { Palette } from "./colour";

/** Most words kept. */
const WORDS_KEPT = 400;
const FONT = '600 12px system-ui, -apple-system, "Segoe UI", sans-serif';

export interface Word {
  canvas: HTMLCanvasElement;
  width: number;
  height: number;
}

/** White with a dark rim, legible on any icon; or as a small panel. */
export class Words {
  private readonly kept = new Map<string, Word>();
  private readonly widths = new Map<string, number>();
  private readonly measure = document.createElement("canvas").getContext("2d")!;

  width(text: string): number {
    const known = this.widths.get(text);
    if (known !== undefined) return known;
    this.measure.font = FONT;
    const { width } = this.measure.measureText(text);
    this.widths.set(text, width);
    return width;
  }

  /** With a palette, in the colours of its panels. */
  get(text: string, ratio: number, plate?: Palette): Word {
    const key = `${ratio} ${plate?.plate} ${text}`;
    const found = this.kept.get(key);
    if (found) return found;
    const pad = plate ? 10 : 5;
    const width = Math.ceil(this.width(text)) + 2 * pad;
    const height = plate ? 26 : 22;
    const canvas = document.createElement("canvas");
    canvas.width = Math.ceil(width * ratio);
    canvas.height = Math.ceil(height * ratio);
    const context = canvas.getContext("2d")!;
    context.scale(ratio, ratio);
    context.font = FONT;
    context.textBaseline = "middle";
    context.lineJoin = "round";
    if (plate) {
      context.fillStyle = plate.plate;
      context.roundRect(0, 0, width, height, height / 2);
      context.fill();
    } else {
      context.strokeStyle = "rgba(10, 12, 16, 0.28)";
      context.lineWidth = 6;
      context.strokeText(text, pad, height / 2);
      context.strokeStyle = "rgba(10, 12, 16, 0.78)";
      context.lineWidth = 3;
      context.strokeText(text, pad, height / 2);
    }
    context.fillStyle = plate?.ink ?? "#fff";
    context.fillText(text, pad, height / 2);
    if (this.kept.size >= WORDS_KEPT) this.kept.delete(this.kept.keys().next().value!);
    const word = { canvas, width, height };
    this.kept.set(key, word);
    return word;
  }
}
