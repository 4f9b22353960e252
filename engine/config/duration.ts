// Durations as people write them in configuration: `90 s`, `30 min`, `2 h`, `1.5 d`.

/** What a duration looks like. */
export const durationPattern = /^(\d+(?:\.\d+)?) ?(s|min|h|d)$/;

const seconds: Readonly<Record<string, number>> = { s: 1, min: 60, h: 3600, d: 86_400 };

/** Seconds that `text` stands for; undefined where it is no duration. */
export function parseDuration(text: string): number | undefined {
  const [, amount, unit] = durationPattern.exec(text) ?? [];
  return amount === undefined ? undefined : Number(amount) * seconds[unit!]!;
}
