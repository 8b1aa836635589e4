/** Pictures that come several times for one place, decoded side by side: an older one never follows a newer one. */

/**
 * @param decode may fail: then what is there stays
 * @param drop frees a picture that came too late
 */
export const latest = <E, P>(
  decode: (encoded: E) => Promise<P>,
  drop: (picture: P) => void,
): ((place: string, encoded: E, take: (picture: P) => void) => Promise<void>) => {
  let clock = 0;
  const taken = new Map<string, number>();
  return async (place, encoded, take) => {
    const time = ++clock;
    let picture: P;
    try {
      picture = await decode(encoded);
    } catch {
      return;
    }
    if ((taken.get(place) ?? 0) > time) {
      drop(picture);
      return;
    }
    taken.set(place, time);
    take(picture);
  };
};

export const latestIcons = () =>
  latest(
    (icon: Blob) => createImageBitmap(icon),
    (bitmap) => bitmap.close(),
  );
