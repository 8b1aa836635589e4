/** An atlas inside a page, or in a folder beside it. Works from file:// without a network. */
import { Cells, type CellsInfo } from "./cells";
import { type Encoded, Said, type Source } from "./source";

/** Base64 text, "#id" of a script element that holds it, a relative ".js" that delivers it, or an image's URL. */
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

const IMAGE = /\.(webp|png|jpe?g)$/i;

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

/** Load a script that calls `__atlasData(path, base64)`; `fetch` is refused on file://. */
const viaScript = (path: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const script = document.createElement("script");
    const arrived = (name: string, text: string): void => {
      if (name === path) resolve(text);
    };
    const host = window as unknown as { __atlasData?: (name: string, text: string) => void };
    const before = host.__atlasData;
    host.__atlasData = (name, text) => {
      before?.(name, text);
      arrived(name, text);
    };
    const done = (): void => script.remove();
    script.onload = () => {
      done();
      reject(new Said(`${path} does not hold what this page expects: export the atlas again.`));
    };
    script.onerror = () => {
      done();
      reject(new Said(`${path} is missing: keep the page and its folder together.`));
    };
    script.src = path;
    document.head.append(script);
  });

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

const image = async (ref: Ref): Promise<Encoded> => {
  if (!IMAGE.test(ref)) return new Blob([await bytes(ref)], { type: "image/webp" });
  const element = new Image();
  element.decoding = "async";
  element.src = ref;
  try {
    await element.decode();
  } catch {
    throw new Said(`${ref} is missing or damaged: keep the page and its folder together.`);
  }
  return element;
};

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
