// Writes how many of something there are.

/** `1 metric`, `2 metrics`, `1,200 metrics` */
export const count = (n: number, noun: string): string =>
  `${n.toLocaleString('en')} ${noun}${n === 1 ? '' : 's'}`;
