/** The state of a page in its address bar: #x=…&y=…&z=…&level=…&layer=…&class=… */
import { clampCamera, maxZoom } from "./camera";
import type { State, Store } from "./store";
import type { Camera, Header, Traits } from "./types";

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

/** What an address says; what it does not say, or what is no number, is left out. */
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

type Place = Pick<Traits, "camera" | "level" | "layer" | "class_name">;

/**
 * The place that an address names: what it leaves out is as at the start, and so is what the atlas lacks.
 *
 * @returns the place, and a word for each thing that the atlas lacks
 */
export const placeAt = (hash: string, header: Header, start: Place): [place: Place, lacking: string[]] => {
  const place = { ...start };
  const lacking: string[] = [];
  const { layer, level, class_name, camera } = fromHash(hash);
  if (layer) {
    if (header.layers.some((one) => one.name === layer)) place.layer = layer;
    else lacking.push(`layer ${layer}`);
  }
  const sizes = header.layers.find((one) => one.name === place.layer)?.levels.map((one) => one.size) ?? [];
  if (level !== undefined) {
    if (!level || sizes.includes(level)) place.level = level;
    else lacking.push(`level ${level}`);
  }
  if (class_name) {
    if (header.classes?.includes(class_name)) place.class_name = class_name;
    else lacking.push(`class ${class_name}`);
  }
  if (camera) place.camera = clampCamera(camera, maxZoom(Math.max(1, ...sizes)));
  return [place, lacking];
};

/**
 * Keep address and state the same. Frames without an address of their own are left alone.
 *
 * @param fail told in a sentence what an address names that there is not
 */
export const attachAddress = (
  store: Store,
  header: () => Header,
  fail: (text: string) => void,
  signal: AbortSignal,
): void => {
  const { camera, level, layer, class_name } = store.state;
  const read = (): void => {
    const [place, lacking] = placeAt(location.hash, header(), { camera, level, layer, class_name });
    store.set(place);
    if (lacking.length) fail(`The address names what this atlas does not have: ${lacking.join(", ")}.`);
  };
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
