/** The viewer as an anywidget module, and as a page that mounts itself. */
import "./style.css";
import { type Atlas, mount } from "./page";
import { Sheets } from "./sheets";
import type { Source } from "./source";
import { Kernel, kernelSource } from "./source-kernel";
import type { Model } from "./types";
import { openView } from "./viewer";

interface Render {
  model: Model;
  el: HTMLElement;
  signal?: AbortSignal;
}

/** One per model: what every view of it shares. */
export default () => {
  let kernel: Kernel | undefined;
  let source: Source | undefined;
  let sheets: Sheets | undefined;
  return {
    initialize({ model, signal }: { model: Model; signal?: AbortSignal }): void {
      const until = signal ?? new AbortController().signal;
      kernel = new Kernel(model, until);
      source = kernelSource(kernel, until);
    },
    render({ model, el, signal }: Render): () => void {
      const ending = new AbortController();
      signal?.addEventListener("abort", () => ending.abort());
      const given = model.get("__source") as Source | undefined;
      const from = given ?? source!;
      sheets ??= new Sheets(from);
      openView({ model, el, source: from, sheets, signal: ending.signal });
      return () => ending.abort();
    },
  };
};

export { mount };

const page = (globalThis as { __atlas?: Atlas }).__atlas;
if (page) mount(page.el ?? document.getElementById("atlas") ?? document.body, page);
