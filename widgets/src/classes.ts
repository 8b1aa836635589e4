/** Finding a class among thousands by the letters of its name. Pure. */

export interface Hit {
  index: number;
  name: string;
  /** Where the letters are in the name. */
  from: number;
}

const fold = (text: string): string => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

/**
 * Classes whose names hold what was typed: names that begin with it first, then words that do, then the rest.
 *
 * @param most hits to give
 */
export const findClasses = (names: readonly string[], typed: string, most: number): Hit[] => {
  const query = fold(typed.trim());
  const ranked: [rank: number, hit: Hit][] = [];
  for (let index = 0; index < names.length; index++) {
    const name = names[index]!;
    const folded = fold(name);
    const from = folded.indexOf(query);
    if (from < 0) continue;
    const word = from === 0 ? 0 : /[\s,\-_(]/.test(folded[from - 1]!) ? 1 : 2;
    const whole = from === 0 && /^($|[,;(])/.test(folded.slice(query.length)) ? -1 : word;
    ranked.push([whole, { index, name, from }]);
  }
  ranked.sort(
    (a, b) => a[0] - b[0] || (query ? a[1].name.length - b[1].name.length : 0) || a[1].index - b[1].index,
  );
  return ranked.slice(0, most).map((one) => one[1]);
};

/** Rows by attribution, largest first, those far from each other: where a class lives. */
export const strongest = (values: ArrayLike<number>, most: number): number[] =>
  Array.from({ length: values.length }, (_, i) => i)
    .filter((i) => values[i]! > 0)
    .sort((a, b) => values[b]! - values[a]!)
    .slice(0, most);
