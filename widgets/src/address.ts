/** The state of a page in its address bar: #x=…&y=…&z=…&level=…&layer=…&class=… */
import type { State, Store } from "./store";
import type { Camera, Traits } from "./types";

export const toHash = (state: Pick<Traits, "camera" | "level" | "layer" | "class_name">): string => {
  const [x, y, zoom] = state.camera;
  const parts = new URLSearchParams({
    x: x.toFixed(4),
    y: y.toFixed(4),
    z: String(Number(zoom.toPrecision(4))),
  });
  if (state.level) parts.set("level", String(state.level));
  if (state.layer) parts.set("layer", state.layer);
  if (state.class_name) parts.set("class", state.class_name);
  return `#${parts}`;
};

/** What an address says; what it does not say or says wrongly is left out. */
export const fromHash = (hash: string): Partial<Traits> => {
  const parts = new URLSearchParams(hash.replace(/^#/, ""));
  const found: Partial<Traits> = {};
  const camera = ["x", "y", "z"].map((name) => (parts.has(name) ? Number(parts.get(name)) : Number.NaN));
  if (camera.every(Number.isFinite)) found.camera = camera as Camera;
  const level = Number(parts.get("level") ?? Number.NaN);
  if (Number.isInteger(level) && level >= 0) found.level = level;
  const layer = parts.get("layer");
  if (layer) found.layer = layer;
  const name = parts.get("class");
  if (name) found.class_name = name;
  return found;
};

/** Keep address and state the same. Frames without an address of their own are left alone. */
export const attachAddress = (
  store: Store,
  check: (found: Partial<Traits>) => Partial<State>,
  signal: AbortSignal,
): void => {
  const read = (): void => store.set(check(fromHash(location.hash)));
  let timer: ReturnType<typeof setTimeout> | undefined;
  const write = (): void => {
    try {
      history.replaceState(history.state, "", toHash(store.state));
    } catch {
      // A sandboxed frame may not; the view works without.
    }
  };
  read();
  store.on((changed) => {
    if ((["camera", "level", "layer", "class_name"] as const).some((name) => changed.has(name))) {
      // Once it rests: browsers take their time for it.
      clearTimeout(timer);
      timer = setTimeout(write, 400);
    }
  }, signal);
  addEventListener("hashchange", read, { signal });
  signal.addEventListener("abort", () => clearTimeout(timer));
};

/** Copy text; also where the clipboard is refused to pages from a file. */
const copyText = async (text: string): Promise<boolean> => {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = document.createElement("textarea");
    field.value = text;
    field.style.cssText = "position:fixed;opacity:0";
    document.body.append(field);
    field.select();
    const copied = document.execCommand("copy");
    field.remove();
    return copied;
  }
};

/** Copy a link to what is shown now, which the address bar follows a moment later; says how it went. */
export const copyAddress = async (state: State): Promise<string> =>
  (await copyText(location.href.replace(/#.*$/, "") + toHash(state)))
    ? "Link copied"
    : "The browser refused to copy: take the address bar's";
