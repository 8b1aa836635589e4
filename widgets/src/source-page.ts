/** An atlas inside a page, or in a folder beside it. Works from file:// without a network. */
import { Cells, type CellsInfo } from "./cells";
import { type Encoded, Said, type Source } from "./source";

/** Base64 text, "#id" of a script element that holds it, or a relative ".js" that delivers it. */
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

/** Bytes of base64 text. */
const decode = (text: string): Uint8Array<ArrayBuffer> => {
  // Newer browsers do this an order of magnitude faster.
  const native = (Uint8Array as unknown as { fromBase64?: (text: string) => Uint8Array<ArrayBuffer> })
    .fromBase64;
  if (native) return native.call(Uint8Array, text);
  const raw = atob(text.trim());
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  return bytes;
};

/** Texts on their way, by path: whoever asks for one that is coming waits for the same. */
const coming = new Map<string, { text: Promise<string>; arrived: (text: string) => void }>();

/** Load a script that calls `__atlasData(path, base64)`; `fetch` is refused on file://. */
const viaScript = (path: string): Promise<string> => {
  const found = coming.get(path);
  if (found) return found.text;
  let arrived = (_text: string): void => {};
  const text = new Promise<string>((resolve, reject) => {
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
    (window as unknown as { __atlasData: (name: string, text: string) => void }).__atlasData = (name, data) =>
      coming.get(name)?.arrived(data);
    document.head.append(script);
  });
  coming.set(path, { text, arrived });
  return text;
};

const text = async (ref: Ref): Promise<string> => {
  if (ref.startsWith("#")) {
    const element = document.getElementById(ref.slice(1));
    if (!element) throw new Said(`This page is incomplete (${ref} is not in it): export the atlas again.`);
    return element.textContent ?? "";
  }
  return ref.endsWith(".js") ? viaScript(ref) : ref;
};

const bytes = async (ref: Ref): Promise<Uint8Array<ArrayBuffer>> => {
  try {
    return decode(await text(ref));
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
