// Sizes as people write them in configuration: `500 MB`, `20GB`, `1.5 TiB`.

/** What a size looks like. */
export const sizePattern = /^(\d+(?:\.\d+)?) ?(B|kB|KB|MB|GB|TB|KiB|MiB|GiB|TiB)$/;

const units: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

/** Bytes that `text` stands for; undefined where it is no size. */
export function parseSize(text: string): number | undefined {
  const [, amount, unit] = sizePattern.exec(text) ?? [];
  return amount === undefined ? undefined : Math.floor(Number(amount) * units[unit!]!);
}
