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

/** Hide it until `signal` ends; outputs may arrive after the view. */
export const hidePicture = (el: Element, signal: AbortSignal): void => {
  let hidden: HTMLElement | null = null;
  const look = (): void => {
    if (hidden?.isConnected || !el.isConnected) return;
    hidden = pictureAfter(el);
    if (hidden) hidden.style.display = "none";
  };
  const timers = [0, 100, 400, 1500].map((delay) => setTimeout(look, delay));
  signal.addEventListener("abort", () => {
    for (const timer of timers) clearTimeout(timer);
    hidden?.style.removeProperty("display");
  });
};
