/** Decoded pictures within a budget of memory: those used longest ago are let go. */

export interface Kept {
  bitmap: ImageBitmap;
  /** What it was decoded from, where that may be replaced. */
  of?: Blob;
  /** Told when it is let go. */
  gone?: () => void;
}

/** Map that drops its oldest entries above a weight. */
export class Recent<T> {
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

/** Bytes of decoded pixels to keep: of sheets, of overviews and of icons that a kernel pushes, together. */
const DECODED_BUDGET = 96 * 2 ** 20;

/** Every picture that is drawn from more than once. */
export class Pictures extends Recent<Kept> {
  constructor(budget = DECODED_BUDGET) {
    super(budget, ({ bitmap, gone }) => {
      bitmap.close();
      gone?.();
    });
  }

  keep(key: string, kept: Kept): void {
    this.put(key, kept, 4 * kept.bitmap.width * kept.bitmap.height);
  }
}
