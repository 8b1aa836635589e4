/** The picture that a notebook keeps for viewers without JavaScript: hidden while the view lives. */

/** Elements that hold one output, where notebooks put them. */
const OUTPUTS = ".jp-OutputArea-child, .output_container, .output-item, .cell-output, .output";

/** What Python writes into the picture, and the end of its text, which VS Code shows in place of it. */
const [MARK, TEXT] = ["activation-atlas still", ", as a picture"];
/** Letters of its base64 among which the mark is. */
const BEGINNING = 400;

const ours = ({ src, alt }: HTMLImageElement): boolean => {
  try {
    return alt.endsWith(TEXT) || atob(src.split(",")[1]!.slice(0, BEGINNING)).includes(MARK);
  } catch {
    return false; // No bytes to look into: it may be anybody's.
  }
};

/** The output after the one that holds `el`, if it is the still picture and nothing else. */
export const pictureAfter = (el: Element): HTMLElement | null => {
  let output: Element | null = el.closest(OUTPUTS);
  while (output && !output.nextElementSibling) output = output.parentElement?.closest(OUTPUTS) ?? null;
  const next = output?.nextElementSibling;
  const [image, another] = next?.querySelectorAll("img") ?? [];
  return next instanceof HTMLElement && image && !another && ours(image) ? next : null;
};

/** Hide it until `signal` ends; the output may arrive long after the view. */
export const hidePicture = (el: Element, signal: AbortSignal): void => {
  let hidden: HTMLElement | null = null;
  const look = (): void => {
    if (hidden?.isConnected || !el.isConnected) return;
    hidden = pictureAfter(el);
    if (hidden) hidden.style.display = "none";
  };
  // Notebooks put the view's own output into the page after it was drawn, too.
  const outputs = new MutationObserver(look);
  outputs.observe(document.body, { childList: true, subtree: true });
  look();
  signal.addEventListener("abort", () => {
    outputs.disconnect();
    hidden?.style.removeProperty("display");
  });
};
