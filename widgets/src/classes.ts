/** Finding a class among thousands by the letters of its name. Pure. */

export interface Hit {
  index: number;
  name: string;
  /** Where the letters are in the name. */
  from: number;
}

const fold = (text: string): string => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

/** Classes whose names hold what was typed: names that begin with it first, then words that do, then the rest. */
export const findClasses = (names: readonly string[], typed: string): Hit[] => {
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
  return ranked.map((one) => one[1]);
};

/** What Enter means in the search: a hit to choose, "" to have no class, null to leave things as they are. */
export const entered = (hits: readonly Hit[], active: number, typed: string): Hit | "" | null =>
  hits[active] ?? (typed.trim() ? null : "");

/** Share of the atlas's side within which two cells are one place. */
const ONE_PLACE = 0.08;

/** Rows by attribution, largest first, one of each place: where a class lives. */
export const strongest = (
  { cell }: { cell: ArrayLike<number> },
  size: number,
  values: ArrayLike<number>,
  most: number,
): number[] => {
  const found: number[] = [];
  const apart = (a: number, b: number): boolean => {
    const [ca, cb] = [cell[a]!, cell[b]!];
    const rows = Math.floor(ca / size) - Math.floor(cb / size);
    return Math.hypot((ca % size) - (cb % size), rows) > ONE_PLACE * size;
  };
  const rows = Array.from({ length: values.length }, (_, i) => i)
    .filter((i) => values[i]! > 0)
    .sort((a, b) => values[b]! - values[a]!);
  for (const row of rows) {
    if (found.length === most) break;
    if (found.every((other) => apart(row, other))) found.push(row);
  }
  return found;
};
