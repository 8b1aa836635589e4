import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Sheets } from "../src/sheets";
import type { Source } from "../src/source";

const info = {
  size: 20,
  cells: 400,
  icon_px: 8,
  pitch: 10,
  frame: 1,
  columns: 2,
  sheet_px: 20,
  sheets: 40,
  icons: true,
};

describe("sheets", () => {
  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal("createImageBitmap", async () => ({ width: 20, height: 20, close: () => {} }));
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  /** A view that wants the first sheets of a level, and a source that answers when it is told to. */
  const open = () => {
    const asked: number[] = [];
    const answers: (() => void)[] = [];
    const sheets = new Sheets();
    const source = {
      sheet: (_layer: string, _size: number, sheet: number) => {
        asked.push(sheet);
        return new Promise<Blob>((resolve) => answers.push(() => resolve(new Blob(["x"]))));
      },
    } as unknown as Source;
    const want = () =>
      sheets.want(
        sheets,
        Array.from({ length: 20 }, (_, sheet) => ({ layer: "a", info, sheet, mip: 0, since: 0 })),
      );
    sheets.attach({ source, arrived: want, failed: () => {} }, new AbortController().signal);
    want();
    return { asked, answers, sheets, want };
  };

  it("are asked for once, and ever less, while a kernel computes for a minute", async () => {
    const { asked, want } = open();
    for (let second = 0; second < 55; second++) {
      await vi.advanceTimersByTimeAsync(1000);
      want();
    }
    expect(new Set(asked).size).toBe(asked.length);
    expect(asked.length).toBeLessThan(12);
  });

  it("all come when the kernel answers again, none asked for twice", async () => {
    const { asked, answers, sheets } = open();
    await vi.advanceTimersByTimeAsync(40_000);
    for (let i = 0; i < 40; i++) {
      for (const answer of answers.splice(0)) answer();
      await vi.advanceTimersByTimeAsync(10);
    }
    for (let sheet = 0; sheet < 20; sheet++) expect(sheets.get("a", 20, sheet, 0)).toBeDefined();
    expect([...asked].sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });

  it("are asked for again when an answer was lost", async () => {
    const { asked, answers, sheets, want } = open();
    answers.shift();
    for (let second = 0; second < 90; second++) {
      for (const answer of answers.splice(0)) answer();
      await vi.advanceTimersByTimeAsync(1000);
    }
    want();
    await vi.advanceTimersByTimeAsync(10);
    expect(asked.filter((sheet) => sheet === 0)).toHaveLength(2);
    for (const answer of answers.splice(0)) answer();
    await vi.advanceTimersByTimeAsync(10);
    expect(sheets.get("a", 20, 0, 0)).toBeDefined();
  });

  it("of two sizes are fetched once", async () => {
    const { asked, sheets } = open();
    const before = asked.length;
    sheets.want({}, [{ layer: "a", info, sheet: 0, mip: 1, since: 0 }]);
    await vi.advanceTimersByTimeAsync(10);
    expect(asked).toHaveLength(before);
  });
});
