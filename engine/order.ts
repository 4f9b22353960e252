// The one order of the engine: by UTF-16 code unit, the same in every locale.

/** Compares two texts by code unit, for `sort`. */
export function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
