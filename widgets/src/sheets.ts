/** Decoded sprite sheets: fetched when wanted, decoded off the main thread, dropped least-recently-used. */
import { Pictures, Recent } from "./recent";
import { type Encoded, type Source, sentence } from "./source";
import type { LevelInfo } from "./types";

/** Bytes of encoded sheets to keep, so that a dropped one need not be asked for again. */
const ENCODED_BUDGET = 48 * 2 ** 20;
/** Sheets decoded at once: while the picture moves, a processor is left to draw it. */
const CORES = globalThis.navigator?.hardwareConcurrency || 2;
const AT_ONCE = { moving: Math.max(1, Math.min(4, CORES - 1)), resting: Math.max(2, Math.min(6, CORES)) };
/** Milliseconds that a sheet has to be wanted while the picture moves: what only flies past is not fetched. */
const DWELL = 120;
/** Milliseconds before a sheet that failed is asked for again. */
const RETRY_AFTER = 4000;
/** Milliseconds without an answer after which a source is taken to be busy: asked for little more until it answers. */
const PATIENCE = 12_000;
/** Milliseconds before a sheet is asked for again of which nothing was heard: the answer may be waiting its turn. */
const ASK_AGAIN = 60_000;

export interface Want {
  layer: string;
  info: LevelInfo;
  sheet: number;
  mip: number;
  /** Time (ms) since when it has been wanted without a break. */
  since: number;
}

const keyOf = (layer: string, size: number, sheet: number): string => `${layer}/${size}/${sheet}`;

interface View {
  source: Source;
  arrived(): void;
  failed(sentence: string): void;
}

/** A sheet at `mip` has its sides halved that often. */
export class Sheets {
  readonly pictures = new Pictures();
  private readonly encoded = new Recent<Encoded>(ENCODED_BUDGET, () => {});
  private readonly busy = new Set<string>();
  /** When those sheets were asked for that have not come yet. */
  private readonly asked = new Map<string, number>();
  /** Whether the source keeps one waiting. */
  private late = false;
  private readonly failed = new Map<string, number>();
  private readonly lists = new Map<object, Want[]>();
  /** Whether a view moves. */
  moving = false;
  /** Whether the last view has ended. */
  closed = false;
  private readonly views = new Set<View>();

  /** Tell a view of what arrives; the last one to end closes every bitmap. */
  attach(view: View, signal: AbortSignal): void {
    this.views.add(view);
    signal.addEventListener("abort", () => {
      this.views.delete(view);
      if (this.views.size) return;
      this.closed = true;
      this.lists.clear();
      this.pictures.clear();
      this.encoded.clear();
    });
  }

  /** The sheet at that size, or at twice it: decoding again would cost more than it gives. */
  get(layer: string, size: number, sheet: number, mip: number): ImageBitmap | undefined {
    const key = keyOf(layer, size, sheet);
    const at = (halved: number): ImageBitmap | undefined => this.pictures.get(`${key}@${halved}`)?.bitmap;
    return at(mip) ?? (mip ? at(mip - 1) : undefined);
  }

  /** Replace what `owner` wants, most urgent first. What is under way goes on. */
  want(owner: object, wanted: Want[]): void {
    if (wanted.length) this.lists.set(owner, wanted);
    else this.lists.delete(owner);
    this.pump();
  }

  private pump(): void {
    const most = this.late ? 1 : this.moving ? AT_ONCE.moving : AT_ONCE.resting;
    const now = performance.now();
    const since = (when: number | undefined): number => now - (when ?? Number.NEGATIVE_INFINITY);
    while (this.busy.size < most) {
      const [owner, list] = this.lists.entries().next().value ?? [];
      if (!owner || !list) return;
      const want = list.shift();
      if (!list.length) this.lists.delete(owner);
      if (!want) continue;
      const key = keyOf(want.layer, want.info.size, want.sheet);
      const busy = `${key}@${want.mip}`;
      if (since(this.asked.get(key)) < ASK_AGAIN || since(this.failed.get(key)) < RETRY_AFTER) continue;
      if (this.get(want.layer, want.info.size, want.sheet, want.mip)) continue;
      if (this.moving && since(want.since) < DWELL) continue;
      this.busy.add(busy);
      this.asked.set(key, now);
      void this.load(want, key, busy);
    }
  }

  private async load(want: Want, key: string, busy: string): Promise<void> {
    // An answer that does not come must not keep others from being asked for, one by one.
    const patience = setTimeout(() => {
      this.late = true;
      this.busy.delete(busy);
      this.pump();
    }, PATIENCE);
    try {
      let encoded = this.encoded.get(key);
      if (!encoded) {
        // Any view's source will do, they show the same atlas; the latest is the likeliest to have a kernel.
        const view = [...this.views].at(-1);
        if (!view) return;
        encoded = await view.source.sheet(want.layer, want.info.size, want.sheet);
        this.encoded.put(key, encoded, encoded instanceof Blob ? encoded.size : 0);
      }
      const side = Math.max(1, want.info.sheet_px >> want.mip);
      const bitmap = await createImageBitmap(
        encoded,
        want.mip ? { resizeWidth: side, resizeHeight: side, resizeQuality: "medium" } : {},
      );
      this.failed.delete(key);
      if (this.closed) bitmap.close();
      else this.pictures.keep(busy, { bitmap });
    } catch (error) {
      this.failed.set(key, performance.now());
      this.encoded.remove(key);
      const said =
        error instanceof DOMException
          ? `Sheet ${want.sheet} of level ${want.info.size} is damaged: build that level again.`
          : sentence(error);
      if (!this.closed) for (const view of this.views) view.failed(said);
    }
    clearTimeout(patience);
    this.busy.delete(busy);
    this.asked.delete(key);
    this.late = false;
    if (this.closed) return;
    for (const view of this.views) view.arrived();
    this.pump();
  }
}

/** Views of one atlas share what is decoded, also those of different widgets: a notebook loads the module for each. */
export const sharedSheets = (id: string | undefined): Sheets => {
  if (!id) return new Sheets();
  const key = Symbol.for("activation-atlas.sheets");
  const host = globalThis as unknown as Record<symbol, Map<string, Sheets> | undefined>;
  host[key] ??= new Map();
  const found = host[key].get(id);
  if (found && !found.closed) return found;
  const made = new Sheets();
  host[key].set(id, made);
  return made;
};
