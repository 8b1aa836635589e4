/** The viewer as an anywidget module, and as a page that mounts itself. */
import "./style.css";
import { Live } from "./live";
import { type Atlas, mount } from "./page";
import { Kernel, kernelSource } from "./source-kernel";
import type { Model } from "./types";
import { openView } from "./viewer";

interface Shared {
  kernel: Kernel;
  source: ReturnType<typeof kernelSource>;
  live: Live;
}

/** A signal that ends with the host's; hosts that have none call the function. */
const ending = (signal: AbortSignal | undefined): [AbortSignal, () => void] => {
  const own = new AbortController();
  const end = (): void => own.abort();
  signal?.addEventListener("abort", end, { once: true });
  return [own.signal, end];
};

/** One call for each model, before its views: what they share lives here. */
export default () => {
  let shared: Shared | undefined;
  const converse = (model: Model, signal: AbortSignal): Shared => {
    const kernel = new Kernel(model, signal);
    return { kernel, source: kernelSource(kernel, signal), live: new Live(kernel, signal) };
  };
  return {
    initialize({ model, signal }: { model: Model; signal?: AbortSignal }): () => void {
      const [until, end] = ending(signal);
      shared = converse(model, until);
      return end;
    },
    render({ model, el, signal }: { model: Model; el: HTMLElement; signal?: AbortSignal }): () => void {
      const [until, end] = ending(signal);
      shared ??= converse(model, until);
      const { source, live, kernel } = shared;
      openView({ model, el, source, live, kernel, signal: until });
      return end;
    },
  };
};

export { mount };

const found = (globalThis as { __atlas?: Atlas | Atlas[] }).__atlas ?? [];
const pages = [found].flat();
for (const page of pages) {
  // Views of the same icons name the one that has them.
  if (typeof page.payload === "number") page.payload = pages[page.payload]!.payload;
  const el = page.el ?? document.getElementById(page.at ?? "atlas") ?? document.body;
  page.open = () => {
    page.close?.();
    page.close = mount(el, page);
    return page.close;
  };
  page.open();
}
