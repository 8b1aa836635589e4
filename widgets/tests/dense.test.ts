import { describe, expect, it } from "vitest";
import { undense } from "../src/source-page";

/** What Python's `dense_text` makes of bytes, bit by bit. */
const dense = (bytes: readonly number[]): string => {
  const bits = bytes.map((byte) => byte.toString(2).padStart(8, "0")).join("");
  const letters = bits.match(/.{1,15}/g) ?? [];
  return letters.map((one) => String.fromCharCode(0x3400 + Number.parseInt(one.padEnd(15, "0"), 2))).join("");
};

describe("data in letters of 15 bits", () => {
  it("come back whatever their number", () => {
    for (let length = 0; length < 70; length++) {
      const bytes = Array.from({ length }, (_, i) => (i * 151 + length * 29) & 255);
      expect([...undense(dense(bytes), length)]).toEqual(bytes);
    }
  });

  it("come back from every value that a letter has", () => {
    const bytes = Array.from({ length: 15 * 4096 }, (_, i) => (i * i * 7 + (i >> 5)) & 255);
    expect([...undense(dense(bytes), bytes.length)]).toEqual(bytes);
    expect([...undense("\ub3ff\ub3ff", 3)]).toEqual([255, 255, 255]);
  });
});
