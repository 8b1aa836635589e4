/** Light or dark, as the place where the view is shown. */

/** Luminance of a CSS colour as the browser resolves it, 0 to 1; null when it is transparent or none. */
const luminance = (element: Element, variable: string): number | null => {
  const value = getComputedStyle(element).getPropertyValue(variable).trim();
  if (!value) return null;
  const probe = document.createElement("i");
  probe.style.color = value;
  if (!probe.style.color) return null;
  element.append(probe);
  const channels =
    getComputedStyle(probe)
      .color.match(/[\d.]+/g)
      ?.map(Number) ?? [];
  probe.remove();
  const [red = 0, green = 0, blue = 0, alpha = 1] = channels;
  return alpha < 0.5 ? null : (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255;
};

/** Whether the page around `element` is dark: its notebook's or editor's theme, or else what the system prefers. */
export const isDark = (element: Element): boolean => {
  for (const variable of ["--jp-layout-color1", "--vscode-editor-background"]) {
    const value = luminance(element, variable);
    if (value !== null) return value < 0.5;
  }
  const surroundings = [document.body, document.documentElement];
  const named = surroundings
    .map(({ dataset }) => dataset.theme)
    .find((theme) => /^(dark|light)$/.test(theme ?? ""));
  if (named) return named === "dark";
  if (surroundings.some(({ classList }) => classList.contains("dark"))) return true;
  return matchMedia("(prefers-color-scheme: dark)").matches;
};

/** Keep the view's theme that of its surroundings; `changed` is called after whatever may be a change, and once now. */
export const followTheme = (root: HTMLElement, changed: () => void, signal: AbortSignal): void => {
  const apply = (): void => {
    const theme = isDark(root) ? "dark" : "light";
    if (root.dataset.aaTheme !== theme) root.dataset.aaTheme = theme;
    changed();
  };
  const observer = new MutationObserver(apply);
  const watched = {
    attributes: true,
    attributeFilter: ["class", "style", "data-jp-theme-light", "data-theme"],
  };
  observer.observe(document.body, watched);
  observer.observe(document.documentElement, watched);
  for (const query of [
    "(prefers-color-scheme: dark)",
    "(prefers-contrast: more)",
    "(forced-colors: active)",
  ]) {
    matchMedia(query).addEventListener("change", apply, { signal });
  }
  signal.addEventListener("abort", () => observer.disconnect());
  apply();
};

let still: MediaQueryList | undefined;
export const reducedMotion = (): boolean => {
  still ??= matchMedia("(prefers-reduced-motion: reduce)");
  return still.matches;
};
