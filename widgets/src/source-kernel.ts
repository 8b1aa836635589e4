/** An atlas in a kernel: requests are messages with a number, answers repeat it. */
import { aligned, Cells, type CellsInfo } from "./cells";
import { type Rendered, Said, type Source, Superseded } from "./source";
import type { Model } from "./types";

/** Seconds without an answer after which the view says so. */
const PATIENCE = 10;
/** Seconds without a step after which a cell that is drawn large is given up. */
const RENDER_PATIENCE = 30;

type Message = Record<string, unknown> & { id?: number; ok?: boolean; kind?: string; error?: string };
type Buffers = (ArrayBuffer | ArrayBufferView)[];
type Answer = { message: Message; buffers: Buffers };
type Waiting = { resolve: (answer: Answer) => void; reject: (error: Error) => void };
export type Push = (message: Message, buffers: Buffers) => void;

const blob = (data: ArrayBuffer | ArrayBufferView | undefined): Blob => {
  if (!data) throw new Said("The kernel sent an answer without data.");
  return new Blob([aligned(data)], { type: "image/webp" });
};

/** One conversation with a model; ends with `signal`. */
export class Kernel {
  private readonly waiting = new Map<number, Waiting>();
  private readonly pushes = new Set<Push>();
  private next = 1;
  private heard = Number.NEGATIVE_INFINITY;
  private readonly silence = new Set<(silent: boolean) => void>();

  constructor(
    private readonly model: Model,
    signal: AbortSignal,
  ) {
    const listen = (message: Message, buffers: Buffers): void => this.receive(message, buffers ?? []);
    model.on("msg:custom", listen as never);
    signal.addEventListener("abort", () => {
      model.off("msg:custom", listen as never);
      for (const { reject } of this.waiting.values()) reject(new Said("The view was closed."));
      this.waiting.clear();
      this.pushes.clear();
    });
  }

  /** Hear what Python sends unasked, until `signal` ends. */
  listen(push: Push, signal: AbortSignal): void {
    this.pushes.add(push);
    signal.addEventListener("abort", () => this.pushes.delete(push));
  }

  /** Hear when the kernel stops answering, and when it answers again. */
  onSilence(heard: (silent: boolean) => void, signal: AbortSignal): void {
    this.silence.add(heard);
    signal.addEventListener("abort", () => this.silence.delete(heard));
  }

  private silent(silent: boolean): void {
    for (const heard of this.silence) heard(silent);
  }

  ask(content: Record<string, unknown>): Promise<Answer> {
    const id = this.next++ + Math.floor(Math.random() * 2 ** 20) * 2 ** 20;
    return new Promise((resolve, reject) => {
      const impatient = (): void => {
        // A kernel that computes answers nothing, but tells how far it is.
        const heard = performance.now() - this.heard < PATIENCE * 1000;
        if (heard) timer = setTimeout(impatient, PATIENCE * 1000);
        else this.silent(true);
      };
      let timer = setTimeout(impatient, PATIENCE * 1000);
      const settle =
        <T>(then: (value: T) => void) =>
        (value: T): void => {
          clearTimeout(timer);
          then(value);
        };
      this.waiting.set(id, { resolve: settle(resolve), reject: settle(reject) });
      this.model.send({ ...content, id });
    });
  }

  private receive(message: Message, buffers: Buffers): void {
    const waiting = message.id === undefined ? undefined : this.waiting.get(message.id);
    this.heard = performance.now();
    if (!waiting) {
      for (const push of this.pushes) push(message, buffers);
      return;
    }
    this.waiting.delete(message.id!);
    this.silent(false);
    if (message.ok) waiting.resolve({ message, buffers });
    else waiting.reject(new Said(message.error || "The kernel refused without a reason."));
  }
}

/** Cells come when they are asked for, or unasked while the kernel computes. */
const cellsOf = (kernel: Kernel, signal: AbortSignal): Required<Pick<Source, "cells" | "onCells">> => {
  const pushed = new Map<string, Cells>();
  const waiting = new Map<string, Set<(cells: Cells) => void>>();
  const hearing = new Set<(layer: string, size: number, cells: Cells) => void>();
  kernel.listen((message, buffers) => {
    if (message.kind !== "cells" || !buffers[0]) return;
    const key = `${message.layer}/${message.level}`;
    const cells = new Cells(message as unknown as CellsInfo, buffers[0], Number(message.level));
    pushed.set(key, cells);
    for (const resolve of waiting.get(key) ?? []) resolve(cells);
    for (const heard of hearing) heard(String(message.layer), Number(message.level), cells);
  }, signal);
  const onCells: Source["onCells"] = (heard, until) => {
    hearing.add(heard);
    until.addEventListener("abort", () => hearing.delete(heard));
  };
  const ask: Source["cells"] = (layer, level) => {
    const key = `${layer}/${level}`;
    const found = pushed.get(key);
    if (found) return Promise.resolve(found);
    return new Promise((resolve, reject) => {
      const waiters = waiting.get(key) ?? new Set();
      waiting.set(key, waiters.add(resolve));
      kernel
        .ask({ kind: "cells", layer, level })
        .then(({ message, buffers }) =>
          resolve(new Cells(message as unknown as CellsInfo, buffers[0] ?? new ArrayBuffer(0), level)),
        )
        .catch(reject)
        .finally(() => waiters.delete(resolve));
    });
  };
  return { cells: ask, onCells };
};

/** A kernel draws one cell at a time, the one that was asked for last. */
const renderOf = (kernel: Kernel, signal: AbortSignal): NonNullable<Source["render"]> => {
  let supersede = (): void => {};
  return (layer, level, cell, step) =>
    new Promise<Rendered>((resolve, reject) => {
      const ending = new AbortController();
      const until = AbortSignal.any([signal, ending.signal]);
      let timer: ReturnType<typeof setTimeout> | undefined;
      const give = (error: unknown): void => {
        ending.abort();
        reject(error);
      };
      const patient = (): void => {
        clearTimeout(timer);
        timer = setTimeout(
          () => give(new Said("The kernel has stopped drawing this cell: ask again.")),
          RENDER_PATIENCE * 1000,
        );
      };
      until.addEventListener("abort", () => clearTimeout(timer));
      signal.addEventListener("abort", () => reject(new Said("The view was closed.")), {
        signal: ending.signal,
      });
      supersede();
      supersede = () => give(new Superseded("Another cell is drawn instead."));
      patient();
      kernel.listen((message, buffers) => {
        // A kernel that computes for others may still come to this.
        if (message.kind === "progress") patient();
        if (message.cell !== cell || message.level !== level || message.layer !== layer) return;
        if (message.kind === "rendering") {
          patient();
          step(Number(message.step) / Math.max(1, Number(message.steps)));
        }
        if (message.kind !== "rendered" && !message.error) return;
        if (message.error || !buffers[0])
          return give(new Said(message.error || "The kernel sent an answer without data."));
        ending.abort();
        resolve({
          image: blob(buffers[0]),
          cosine: typeof message.cosine === "number" ? message.cosine : null,
        });
      }, until);
      kernel.ask({ kind: "render", layer, level, cell }).catch(give);
    });
};

export const kernelSource = (kernel: Kernel, signal: AbortSignal): Source => ({
  ...cellsOf(kernel, signal),
  sheet: async (layer, level, sheet) =>
    blob((await kernel.ask({ kind: "sheet", layer, level, sheet })).buffers[0]),
  overview: async (layer, level) => blob((await kernel.ask({ kind: "overview", layer, level })).buffers[0]),
  attribution: async (layer, level, classIndex) => {
    const { buffers } = await kernel.ask({ kind: "attribution", layer, level, class_index: classIndex });
    return new Float32Array(aligned(buffers[0] ?? new ArrayBuffer(0)));
  },
  patches: async (layer, level, _row, cell) =>
    (await kernel.ask({ kind: "patches", layer, level, cell })).buffers.map(blob),
  render: renderOf(kernel, signal),
});
