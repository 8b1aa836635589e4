/** Small parts of a card: a signed bar, a number with its gauge, a patch. */
import { h } from "./dom";
import type { Encoded } from "./source";

/** Bar of a signed value: to the right of the middle in favour, to the left against. */
export const signedBar = (share: number): HTMLElement => {
  const width = `${Math.min(1, Math.abs(share)) * 50}%`;
  const side = share < 0 ? `right:50%;width:${width}` : `left:50%;width:${width}`;
  return h(
    "span",
    { class: "aa-bar" },
    h("i", { class: share < 0 ? "aa-against" : "aa-favour", style: side }),
  );
};

export const meter = (name: string, value: number, text: string, tip: string): HTMLElement =>
  h(
    "div",
    { class: "aa-meter", role: "listitem", title: tip },
    h("span", {}, name),
    h("b", {}, text),
    h("div", {}, h("i", { style: `width:${Math.max(0, Math.min(1, value || 0)) * 100}%` })),
  );

/** A patch as a small picture; its bytes are let go once it is decoded. */
export const thumbnail = async (encoded: Encoded): Promise<HTMLElement> => {
  const bitmap = await createImageBitmap(encoded);
  const canvas = h("canvas", { role: "img", "aria-label": "Patch of a photograph" });
  canvas.width = bitmap.width;
  canvas.height = bitmap.height;
  canvas.getContext("2d")?.drawImage(bitmap, 0, 0);
  bitmap.close();
  return canvas;
};
