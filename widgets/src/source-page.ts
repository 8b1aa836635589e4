/** An atlas inside a page, or in a folder beside it. Works from file:// without a network. */
import { Cells, type CellsInfo } from "./cells";
import { type Encoded, Said, type Source } from "./source";

/** Base64 text, "#id" of a script element that holds it, or a relative ".js" that delivers the same more densely. */
type Ref = string;

export interface PayloadLevel {
  cells: CellsInfo & { data: Ref };
  sheets: Ref[];
  overview?: Ref | null;
  attribution: { data: Ref; scale: number[]; classes: number } | null;
  patches: (Ref[] | null)[] | null;
}

export interface Payload {
  levels: Record<string, PayloadLevel>;
}

type Bytes = Uint8Array<ArrayBuffer>;

/** Bytes of base64 text. */
const decode = (text: string): Bytes => {
  // Newer browsers do this an order of magnitude faster.
  const native = (Uint8Array as unknown as { fromBase64?: (text: string) => Bytes }).fromBase64;
  if (native) return native.call(Uint8Array, text);
  const raw = atob(text.trim());
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  return bytes;
};

/** Bytes of a text that holds 15 bits a letter: atlas/export/dense.py. */
export const undense = (text: string, length: number): Bytes => {
  const bytes = new Uint8Array(length);
  let [held, bits, at] = [0, 0, 0];
  for (let i = 0; i < text.length; i++) {
    held = (held << 15) | (text.charCodeAt(i) - 0x3400);
    for (bits += 15; bits >= 8 && at < length; bytes[at++] = held >> bits) bits -= 8;
    held &= 0x7f;
  }
  return bytes;
};

/** Texts on their way, by path: whoever asks for one that is coming waits for the same. */
const coming = new Map<string, { bytes: Promise<Bytes>; arrived: (bytes: Bytes) => void }>();

/** Load a script that calls `__atlasData(path, bytes, text)`; `fetch` is refused on file://. */
const viaScript = (path: string): Promise<Bytes> => {
  const found = coming.get(path);
  if (found) return found.bytes;
  let arrived = (_bytes: Bytes): void => {};
  const bytes = new Promise<Bytes>((resolve, reject) => {
    const script = document.createElement("script");
    const end = (said: string): void => {
      script.remove();
      coming.delete(path);
      reject(new Said(said));
    };
    arrived = resolve;
    script.onload = () => end(`${path} does not hold what this page expects: export the atlas again.`);
    script.onerror = () => end(`${path} is missing: keep the page and its folder together.`);
    script.src = path;
    const host = window as unknown as { __atlasData: (name: string, length: number, text: string) => void };
    host.__atlasData = (name, length, text) => {
      if (15 * text.length >= 8 * length) coming.get(name)?.arrived(undense(text, length));
    };
    document.head.append(script);
  });
  coming.set(path, { bytes, arrived });
  return bytes;
};

const text = (ref: Ref): string => {
  if (!ref.startsWith("#")) return ref;
  const element = document.getElementById(ref.slice(1));
  if (!element) throw new Said(`This page is incomplete (${ref} is not in it): export the atlas again.`);
  return element.textContent ?? "";
};

const bytes = async (ref: Ref): Promise<Bytes> => {
  try {
    return ref.endsWith(".js") ? await viaScript(ref) : decode(text(ref));
  } catch (error) {
    if (error instanceof Said) throw error;
    throw new Said("This page is damaged: export the atlas again.");
  }
};

const image = async (ref: Ref): Promise<Encoded> => new Blob([await bytes(ref)], { type: "image/webp" });

export const pageSource = (payload: Payload): Source => {
  const level = (layer: string, size: number): PayloadLevel => {
    const found = payload.levels[`${layer}/${size}`];
    if (!found) throw new Said(`Level ${size} of ${layer} is not in this page: export the atlas again.`);
    return found;
  };
  return {
    cells: async (layer, size) => {
      const { cells } = level(layer, size);
      return new Cells(cells, await bytes(cells.data), size);
    },
    sheet: async (layer, size, sheet) => {
      const ref = level(layer, size).sheets[sheet];
      if (ref === undefined) throw new Said(`Sheet ${sheet} of level ${size} is not in this page.`);
      return image(ref);
    },
    overview: async (layer, size) => {
      const { overview } = level(layer, size);
      if (!overview) throw new Said(`Level ${size} has no overview in this page.`);
      return image(overview);
    },
    attribution: async (layer, size, classIndex) => {
      const { attribution, cells } = level(layer, size);
      if (!attribution) throw new Said("This page holds no attributions: export it with them for heat maps.");
      const values = new Int8Array((await bytes(attribution.data)).buffer);
      const scale = attribution.scale[classIndex] ?? 0;
      const out = new Float32Array(cells.n);
      for (let i = 0; i < cells.n; i++) out[i] = values[i * attribution.classes + classIndex]! * scale;
      return out;
    },
    patches: async (layer, size, row) => Promise.all((level(layer, size).patches?.[row] ?? []).map(image)),
    render: null,
  };
};
