import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Pushed } from "../src/pushed";
import { Pictures } from "../src/recent";

/** A picture of 10 x 10: 400 bytes. */
const picture = () => ({ width: 10, height: 10, close: vi.fn() }) as unknown as ImageBitmap;

describe("icons that are pushed", () => {
  /** Decodings under way, in the order in which they were begun. */
  let decoding: { icon: Blob; done: (bitmap: ImageBitmap | null) => void }[] = [];
  beforeEach(() => {
    decoding = [];
    const decode = (icon: Blob) =>
      new Promise<ImageBitmap>((resolve, reject) => {
        decoding.push({ icon, done: (bitmap) => (bitmap ? resolve(bitmap) : reject(new Error("damaged"))) });
      });
    vi.stubGlobal("createImageBitmap", decode);
  });
  afterEach(() => {
    vi.unstubAllGlobals();
  });
  const settle = () => new Promise((resolve) => setTimeout(resolve));

  it("are decoded when they are drawn, and only then", async () => {
    const arrived: number[] = [];
    const icons = new Pushed(new Pictures(), "a/2", (row) => arrived.push(row));
    icons.put(3, new Blob());
    expect(icons.has(3)).toBe(true);
    expect(decoding).toHaveLength(0);
    expect(icons.get(3)).toBeUndefined();
    icons.get(3);
    expect(decoding).toHaveLength(1);
    const sharp = picture();
    decoding[0]!.done(sharp);
    await settle();
    expect(arrived).toEqual([3]);
    expect(icons.get(3)).toBe(sharp);
  });

  it("are not followed by older ones, and stay when a newer one is damaged", async () => {
    const icons = new Pushed(new Pictures(), "a/2", () => {});
    const [soft, sharp] = [picture(), picture()];
    for (let i = 0; i < 2; i++) {
      icons.put(0, new Blob());
      icons.get(0);
    }
    decoding[1]!.done(sharp);
    await settle();
    decoding[0]!.done(soft);
    await settle();
    expect(icons.get(0)).toBe(sharp);
    expect(soft.close).toHaveBeenCalled();
    icons.put(0, new Blob());
    icons.get(0);
    decoding[2]!.done(null);
    await settle();
    expect(icons.get(0)).toBe(sharp);
    expect(decoding).toHaveLength(3);
  });

  it("keep within the budget, and come back when they are drawn again", async () => {
    const icons = new Pushed(new Pictures(1000), "a/2", () => {});
    const pictures = [picture(), picture(), picture()];
    for (let row = 0; row < 3; row++) {
      icons.put(row, new Blob());
      icons.get(row);
      decoding[row]!.done(pictures[row]!);
      await settle();
    }
    expect(pictures[0]!.close).toHaveBeenCalled();
    expect(pictures[2]!.close).not.toHaveBeenCalled();
    expect(icons.has(0)).toBe(true);
    icons.get(0);
    const again = picture();
    decoding[3]!.done(again);
    await settle();
    expect(icons.get(0)).toBe(again);
    icons.clear();
    expect(again.close).toHaveBeenCalled();
  });
});
