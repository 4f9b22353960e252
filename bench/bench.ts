// What a benchmark is, and the row that it gives: the contract of `npm run bench -- --json`.

/** One comparison. */
export interface Row {
  readonly name: string;
  /** Our figure, in `unit`. */
  readonly rodada: number;
  /** The peer's figure; null where there is no peer. */
  readonly peer: number | null;
  /** How many times faster rodada is; null where there is no peer. */
  readonly ratio: number | null;
  readonly unit: string;
}

/** How a benchmark is run. */
export interface BenchOptions {
  /** Fewer and shorter runs: to try the benchmark, not to quote it. */
  readonly quick: boolean;
  /** Takes the lines that say what goes on, and why a peer is missing. */
  readonly report: (line: string) => void;
}

/** One benchmark: a file in `bench/` that `bench/benches.ts` lists. */
export interface Bench {
  readonly name: string;
  /** What is compared with what, for `--help` and the table. */
  readonly title: string;
  run(options: BenchOptions): Promise<Row[]>;
  /** Removes what it keeps for other benchmarks of the same call. */
  dispose?(): Promise<void>;
}

/** The middle value; of an even number, the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/**
 * Measures two things in turn, so that what else the machine does meets both alike.
 * @returns the medians
 */
export async function inTurn(
  rounds: number,
  ours: () => Promise<number>,
  peer: (() => Promise<number>) | null,
): Promise<{ rodada: number; peer: number | null }> {
  const own: number[] = [];
  const others: number[] = [];
  for (let round = 0; round < rounds; round++) {
    own.push(await ours());
    if (peer !== null) others.push(await peer());
  }
  return { rodada: median(own), peer: peer === null ? null : median(others) };
}

/** Makes a row of two rates (the larger is the faster) or two durations (the smaller is the faster). */
export function compared(
  name: string,
  { rodada, peer }: { rodada: number; peer: number | null },
  unit: string,
  better: 'larger' | 'smaller',
): Row {
  const ratio = peer === null ? null : better === 'larger' ? rodada / peer : peer / rodada;
  return {
    name,
    rodada: rounded(rodada),
    peer: peer === null ? null : rounded(peer),
    ratio: ratio === null ? null : rounded(ratio),
    unit,
  };
}

/** Three significant digits: more than the runs of one machine agree on. */
function rounded(value: number): number {
  return Number(value.toPrecision(3));
}
