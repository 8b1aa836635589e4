/** Icons that a kernel pushes while it renders: kept as they came, decoded when they are drawn. */
import type { Pictures } from "./recent";

export class Pushed {
  private readonly icons = new Map<number, Blob>();
  private readonly decoding = new Set<Blob>();

  constructor(
    private readonly pictures: Pictures,
    /** Of the level among all pictures. */
    private readonly name: string,
    /** Told of a row whose icon is decoded. */
    private readonly arrived: (row: number) => void,
  ) {}

  get size(): number {
    return this.icons.size;
  }

  has(row: number): boolean {
    return this.icons.has(row);
  }

  put(row: number, icon: Blob): void {
    this.icons.set(row, icon);
  }

  /** The icon of a row; an older one, or none, until the newest is decoded. */
  get(row: number): ImageBitmap | undefined {
    const icon = this.icons.get(row);
    if (!icon) return undefined;
    const kept = this.pictures.get(this.keyOf(row));
    if (kept?.of !== icon) void this.decode(row, icon);
    return kept?.bitmap;
  }

  clear(): void {
    for (const row of this.icons.keys()) this.pictures.remove(this.keyOf(row));
    this.icons.clear();
  }

  private keyOf(row: number): string {
    return `${this.name}:${row}`;
  }

  private async decode(row: number, icon: Blob): Promise<void> {
    if (this.decoding.has(icon)) return;
    this.decoding.add(icon);
    let bitmap: ImageBitmap | null = null;
    try {
      bitmap = await createImageBitmap(icon);
    } catch {
      // A damaged one: what is there stays.
    }
    this.decoding.delete(icon);
    // A newer one has come, or none is wanted any more.
    if (this.icons.get(row) !== icon) return bitmap?.close();
    const old = this.pictures.get(this.keyOf(row));
    if (bitmap) this.pictures.keep(this.keyOf(row), { bitmap, of: icon });
    else if (old) old.of = icon;
    else this.icons.delete(row);
    this.arrived(row);
  }
}
