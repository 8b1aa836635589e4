/** The picture that a notebook keeps for viewers without JavaScript: hidden while the view lives. */

/** Elements that hold one output, where notebooks put them. */
const OUTPUTS = ".jp-OutputArea-child, .output_container, .output-item, .cell-output, .output";

/** The output after the one that holds `el`, if it is a picture and nothing else. */
export const pictureAfter = (el: Element): HTMLElement | null => {
  let output: Element | null = el.closest(OUTPUTS);
  while (output && !output.nextElementSibling) output = output.parentElement?.closest(OUTPUTS) ?? null;
  const next = output?.nextElementSibling;
  if (!(next instanceof HTMLElement) || next.querySelectorAll("img").length !== 1) return null;
  return next.querySelector("canvas, iframe, button, input, .aa-root") ? null : next;
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
