import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Live } from "../src/live";
import { shim } from "../src/shim";
import { Kernel, kernelSource } from "../src/source-kernel";
import { Store } from "../src/store";
import { readTraits, syncTraits } from "../src/sync";
import type { Camera, Model } from "../src/types";
import { encode } from "./grid";

/** A model whose other side is the test. */
const wire = () => {
  const heard: Record<string, ((...args: unknown[]) => void)[]> = {};
  const sent: Record<string, unknown>[] = [];
  const model: Model = {
    ...shim({}),
    on: (event, callback) => {
      heard[event] = [...(heard[event] ?? []), callback as never];
    },
    off: (event, callback) => {
      heard[event] = (heard[event] ?? []).filter((one) => one !== callback);
    },
    send: (content) => sent.push(content as Record<string, unknown>),
  };
  const say = (message: unknown, buffers: unknown[] = []): void => {
    for (const callback of heard["msg:custom"] ?? []) callback(message, buffers);
  };
  return { model, sent, say, heard };
};

const open = () => {
  const ending = new AbortController();
  const wired = wire();
  const kernel = new Kernel(wired.model, ending.signal);
  return { ...wired, ending, kernel, source: kernelSource(kernel, ending.signal) };
};

describe("kernel", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("matches answers to questions by number, in any order", async () => {
    const { source, sent, say } = open();
    const [first, second] = [source.sheet("mixed4c", 20, 0), source.sheet("mixed4c", 20, 1)];
    say({ id: sent[1]!.id, ok: true }, [new Uint8Array([2, 2])]);
    say({ id: sent[0]!.id, ok: true }, [new Uint8Array([1])]);
    expect(((await first) as Blob).size).toBe(1);
    expect(((await second) as Blob).size).toBe(2);
  });

  it("passes the kernel's sentence on", async () => {
    const { source, sent, say } = open();
    const asked = source.attribution("mixed4c", 20, 3);
    say({ id: sent[0]!.id, ok: false, error: "The atlas was deleted." });
    await expect(asked).rejects.toThrow("The atlas was deleted.");
  });

  it("says that a kernel is silent, and takes it back with the first answer", async () => {
    const { source, kernel, sent, say, ending } = open();
    const told: boolean[] = [];
    kernel.onSilence((silent) => told.push(silent), ending.signal);
    const asked = source.sheet("mixed4c", 20, 0);
    vi.advanceTimersByTime(10_500);
    expect(told).toEqual([true]);
    say({ id: sent[0]!.id, ok: true }, [new Uint8Array(1)]);
    await asked;
    expect(told).toEqual([true, false]);
  });

  it("is patient with a kernel that tells how far it is", () => {
    const { source, kernel, say, ending } = open();
    const told: boolean[] = [];
    kernel.onSilence((silent) => told.push(silent), ending.signal);
    source.sheet("mixed4c", 20, 0).catch(() => {});
    for (let i = 0; i < 6; i++) {
      vi.advanceTimersByTime(4000);
      say({ kind: "progress", stage: "render", done: i, total: 9, seconds_left: null });
    }
    expect(told).toEqual([]);
    ending.abort();
  });

  it("takes cells that are pushed while the kernel computes", async () => {
    const { source, say } = open();
    const asked = source.cells("mixed4c", 3);
    const { info, buffer } = encode([{ cell: 4, count: 7 }]);
    say({ kind: "cells", layer: "mixed4c", level: 3, ...info }, [buffer]);
    expect([...(await asked).count]).toEqual([7]);
    expect((await source.cells("mixed4c", 3)).n).toBe(1);
  });

  it("holds progress and icons for views that open later", () => {
    const { kernel, say, ending } = open();
    const live = new Live(kernel, ending.signal);
    say({ kind: "progress", stage: "icons", done: 3, total: 9, seconds_left: 12 });
    say({ kind: "icons", layer: "mixed4c", level: 3, rows: [0, 2], icon_px: 80 }, [
      new Uint8Array(1),
      new Uint8Array(2),
    ]);
    say({ kind: "icons", layer: "mixed4c", level: 3, rows: [2], icon_px: 80 }, [new Uint8Array(5)]);
    const told: unknown[] = [];
    const view = {
      progress: (now: unknown) => told.push(now),
      icon: (_layer: string, _level: number, row: number, icon: Blob) => told.push([row, icon.size]),
      fly: () => {},
    };
    live.attach(view, ending.signal);
    live.replay("mixed4c", 3, view);
    expect(told).toEqual([expect.objectContaining({ done: 3, total: 9 }), [0, 1], [2, 5]]);
  });

  it("follows a rendering to its end", async () => {
    const { source, sent, say } = open();
    const steps: number[] = [];
    const drawn = source.render!("mixed4c", 20, 7, (share) => steps.push(share));
    say({ id: sent[0]!.id, ok: true });
    say({ kind: "rendering", layer: "mixed4c", level: 20, cell: 7, step: 32, steps: 128 });
    say({ kind: "rendering", layer: "mixed4c", level: 20, cell: 8, step: 99, steps: 128 });
    say({ kind: "rendered", layer: "mixed4c", level: 20, cell: 7, cosine: 0.93 }, [new Uint8Array(3)]);
    expect((await drawn).cosine).toBe(0.93);
    expect(steps).toEqual([0.25]);
  });

  it.each(["error", "newer", "silence"])("gives a rendering up on %s", async (why) => {
    const { source, sent, say } = open();
    const drawn = source.render!("mixed4c", 20, 7, () => {});
    const over = expect(drawn).rejects.toThrow(
      { error: "No memory is left.", newer: "Another cell", silence: "stopped" }[why],
    );
    say({ id: sent[0]!.id, ok: true });
    if (why === "error")
      say({ kind: "rendered", layer: "mixed4c", level: 20, cell: 7, error: "No memory is left." });
    else if (why === "newer") source.render!("mixed4c", 20, 8, () => {}).catch(() => {});
    else await vi.advanceTimersByTimeAsync(31_000);
    await over;
  });

  it("lets go of everything with the view", async () => {
    const { source, ending, heard } = open();
    const asked = source.sheet("mixed4c", 20, 0);
    ending.abort();
    await expect(asked).rejects.toThrow("closed");
    expect(heard["msg:custom"]).toEqual([]);
  });
});

describe("traits", () => {
  it("keep the camera where there is something to see", () => {
    const layers = [{ name: "mixed4c", levels: [{ size: 20 }] }];
    const model = shim({ camera: [7, -3, 1e6], header: { layers } });
    const store = new Store(readTraits(model));
    expect(store.state.camera).toEqual([1, 0, 18]);
    const ending = new AbortController();
    syncTraits(store, model, ending.signal);
    model.set("camera", [0.5, 2, -4]);
    expect(store.state.camera).toEqual([0.5, 1, 0.5]);
    ending.abort();
  });

  it("go both ways without an echo", () => {
    vi.useFakeTimers();
    const model = shim({ camera: [0.5, 0.5, 1], options: { mode: "hide" } });
    const saved = vi.spyOn(model, "save_changes");
    const ending = new AbortController();
    const store = new Store(readTraits(model));
    expect(store.state.options).toMatchObject({ mode: "hide", labels: true });
    syncTraits(store, model, ending.signal);

    model.set("camera", [0.1, 0.2, 3]);
    expect(store.state.camera).toEqual([0.1, 0.2, 3]);
    vi.advanceTimersByTime(1000);
    expect(saved).not.toHaveBeenCalled();

    for (let i = 1; i <= 5; i++) store.set({ camera: [0.1 * i, 0.2, 3] as Camera });
    vi.advanceTimersByTime(1000);
    expect(model.get("camera")).toEqual([0.5, 0.2, 3]);
    expect(saved).toHaveBeenCalledTimes(1);

    ending.abort();
    model.set("camera", [0, 0, 1]);
    expect(store.state.camera).toEqual([0.5, 0.2, 3]);
    vi.useRealTimers();
  });
});
