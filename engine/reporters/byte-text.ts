// Sizes as people read them.

const units = ['B', 'kB', 'MB', 'GB', 'TB'];

/** `850 B`, `1.2 kB`, `340 MB`, `20 GB`: powers of 1000, three digits at most. */
export function byteText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : 1;
  return `${value.toFixed(digits).replace(/\.0$/, '')} ${units[unit]}`;
}
