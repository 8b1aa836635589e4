/** Decoded sprite sheets: fetched when wanted, decoded off the main thread, dropped least-recently-used. */
import { type Encoded, type Source, sentence } from "./source";
import type { LevelInfo } from "./types";

/** Bytes of decoded pixels to keep. */
const DECODED_BUDGET = 96 * 2 ** 20;
/** Bytes of encoded sheets to keep, so that a dropped one need not be asked for again. */
const ENCODED_BUDGET = 48 * 2 ** 20;
/** Sheets under way at once: more would only wait for each other. */
const AT_ONCE = 4;
/** Milliseconds before a sheet that failed is asked for again. */
const RETRY_AFTER = 4000;

export interface Want {
  layer: string;
  info: LevelInfo;
  sheet: number;
  mip: number;
}

const keyOf = (layer: string, size: number, sheet: number): string => `${layer}/${size}/${sheet}`;

/** Map that drops its oldest entries above a weight. */
class Recent<T> {
  private readonly entries = new Map<string, { value: T; weight: number }>();
  private total = 0;

  constructor(
    private readonly budget: number,
    private readonly drop: (value: T) => void,
  ) {}

  get(key: string): T | undefined {
    const entry = this.entries.get(key);
    if (!entry) return undefined;
    this.entries.delete(key);
    this.entries.set(key, entry);
    return entry.value;
  }

  put(key: string, value: T, weight: number): void {
    this.remove(key);
    this.entries.set(key, { value, weight });
    this.total += weight;
    for (const oldest of this.entries.keys()) {
      if (this.total <= this.budget || oldest === key) break;
      this.remove(oldest);
    }
  }

  remove(key: string): void {
    const entry = this.entries.get(key);
    if (!entry) return;
    this.entries.delete(key);
    this.total -= entry.weight;
    this.drop(entry.value);
  }

  clear(): void {
    for (const key of [...this.entries.keys()]) this.remove(key);
  }
}

/** A sheet at `mip` has its sides halved that often. */
export class Sheets {
  private readonly decoded = new Recent<ImageBitmap>(DECODED_BUDGET, (bitmap) => bitmap.close());
  private readonly encoded = new Recent<Encoded>(ENCODED_BUDGET, () => {});
  private readonly busy = new Set<string>();
  private readonly failed = new Map<string, number>();
  private readonly lists = new Map<object, Want[]>();
  /** Whether the last view has ended. */
  closed = false;
  private readonly views = new Set<{ arrived: () => void; failed: (sentence: string) => void }>();

  constructor(private readonly source: Source) {}

  /** Tell a view of what arrives; the last one to end closes every bitmap. */
  attach(arrived: () => void, failed: (sentence: string) => void, signal: AbortSignal): void {
    const view = { arrived, failed };
    this.views.add(view);
    signal.addEventListener("abort", () => {
      this.views.delete(view);
      if (this.views.size) return;
      this.closed = true;
      this.lists.clear();
      this.decoded.clear();
      this.encoded.clear();
    });
  }

  get(layer: string, size: number, sheet: number, mip: number): ImageBitmap | undefined {
    return this.decoded.get(`${keyOf(layer, size, sheet)}@${mip}`);
  }

  /** Replace what `owner` wants, most urgent first. What is under way goes on. */
  want(owner: object, wanted: Want[]): void {
    if (wanted.length) this.lists.set(owner, wanted);
    else this.lists.delete(owner);
    this.pump();
  }

  private pump(): void {
    while (this.busy.size < AT_ONCE) {
      const [owner, list] = this.lists.entries().next().value ?? [];
      if (!owner || !list) return;
      const want = list.shift();
      if (!list.length) this.lists.delete(owner);
      if (!want) continue;
      const key = keyOf(want.layer, want.info.size, want.sheet);
      const busy = `${key}@${want.mip}`;
      const failed = this.failed.get(key);
      if (this.busy.has(busy) || (failed !== undefined && performance.now() - failed < RETRY_AFTER)) continue;
      if (this.decoded.get(busy)) continue;
      this.busy.add(busy);
      void this.load(want, key, busy);
    }
  }

  private async load(want: Want, key: string, busy: string): Promise<void> {
    try {
      let encoded = this.encoded.get(key);
      if (!encoded) {
        encoded = await this.source.sheet(want.layer, want.info.size, want.sheet);
        this.encoded.put(key, encoded, encoded instanceof Blob ? encoded.size : 0);
      }
      const side = Math.max(1, want.info.sheet_px >> want.mip);
      const bitmap = await createImageBitmap(
        encoded,
        want.mip ? { resizeWidth: side, resizeHeight: side, resizeQuality: "medium" } : {},
      );
      this.failed.delete(key);
      if (this.closed) bitmap.close();
      else this.decoded.put(busy, bitmap, 4 * bitmap.width * bitmap.height);
    } catch (error) {
      this.failed.set(key, performance.now());
      this.encoded.remove(key);
      const said =
        error instanceof DOMException
          ? `Sheet ${want.sheet} of level ${want.info.size} is damaged: build that level again.`
          : sentence(error);
      if (!this.closed) for (const view of this.views) view.failed(said);
    }
    this.busy.delete(busy);
    if (this.closed) return;
    for (const view of this.views) view.arrived();
    this.pump();
  }
}
