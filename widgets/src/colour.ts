/** Colours of the canvas: the diverging scale of attributions, and what the theme says. */

type Rgb = readonly [number, number, number];

/**
 * Blue for against, orange for in favour; told apart with every kind of colour vision, and by lightness from the
 * middle. Ends of ColorBrewer's PuOr and RdBu, taken apart in hue as far as deuteranopia allows.
 */
const AGAINST: readonly [Rgb, Rgb] = [
  [146, 197, 222],
  [33, 102, 172],
];
const FAVOUR: readonly [Rgb, Rgb] = [
  [253, 184, 99],
  [214, 96, 8],
];

const mix = (a: Rgb, b: Rgb, t: number): Rgb => [
  a[0] + (b[0] - a[0]) * t,
  a[1] + (b[1] - a[1]) * t,
  a[2] + (b[2] - a[2]) * t,
];

/** Colour of an attribution from -1 to 1; opacity follows its size, so that nothing is the background. */
export const diverging = (value: number): string => {
  const size = Math.min(1, Math.abs(value));
  const [pale, full] = value < 0 ? AGAINST : FAVOUR;
  const [red, green, blue] = mix(pale, full, size);
  return `rgba(${red | 0},${green | 0},${blue | 0},${(0.06 + 0.94 * size ** 0.7).toFixed(3)})`;
};

/** The scale in 129 steps: making a colour's text for every cell costs more than drawing it. */
export const SCALE: readonly string[] = Array.from({ length: 129 }, (_, i) => diverging((i - 64) / 64));

/** Step of the scale that an attribution from -1 to 1 is at. */
export const scaleStep = (value: number): number => Math.round(Math.max(-1, Math.min(1, value)) * 64) + 64;

export const scaleColour = (value: number): string => SCALE[scaleStep(value)]!;

export interface Palette {
  background: string;
  ink: string;
  quiet: string;
  accent: string;
  plate: string;
  dark: boolean;
}

/** The colours that the styles resolve to here, in this theme. */
export const readPalette = (element: Element): Palette => {
  const style = getComputedStyle(element);
  const value = (name: string): string => style.getPropertyValue(name).trim();
  return {
    background: value("--aa-canvas") || "#fff",
    ink: value("--aa-ink") || "#000",
    quiet: value("--aa-quiet") || "#777",
    accent: value("--aa-accent") || "#06c",
    plate: value("--aa-plate") || "#fff",
    dark: style.colorScheme.startsWith("dark"),
  };
};
