// `npm run bench`: runs the benchmarks that are named, or all, and prints their table or, with --json, a row a line.
import { availableParallelism, cpus } from 'node:os';
import Table from 'cli-table3';
import { Command } from 'commander';
import { closest } from 'fastest-levenshtein';
import { endWithReader, UserError } from '../engine/stage.ts';
import type { Bench, Row } from './bench.ts';
import { benches } from './benches.ts';

endWithReader();

const program = new Command('npm run bench --')
  .description('Measures rodada beside its peers, in turn, on this machine.')
  .argument('[names...]', 'benchmarks to run (default: all)')
  .option('--json', 'print a JSON row a line, and nothing else on stdout', false)
  .option('--quick', 'fewer and shorter runs: to try a benchmark, not to quote it', false)
  .addHelpText(
    'after',
    `\nBenchmarks:\n${benches.map(({ name, title }) => `  ${name.padEnd(11)} ${title}`).join('\n')}`,
  )
  .parse();

const { json, quick } = program.opts<{ json: boolean; quick: boolean }>();
try {
  const chosen = choose(program.args);
  const rows: Row[] = [];
  for (const bench of chosen) {
    console.error(`${bench.name}: ${bench.title}`);
    for (const row of await bench.run({ quick, report: (line) => console.error(`  ${line}`) })) {
      rows.push(row);
      if (json) console.log(JSON.stringify(row));
    }
  }
  if (!json)
    console.log(
      `${table(rows)}\n${cpus()[0]?.model ?? 'unknown CPU'}, ${availableParallelism()} threads, Node ${process.versions.node}`,
    );
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
} finally {
  for (const bench of benches) await bench.dispose?.();
}

function choose(names: readonly string[]): readonly Bench[] {
  if (names.length === 0) return benches;
  return names.map((name) => {
    const bench = benches.find((each) => each.name === name);
    if (bench !== undefined) return bench;
    const known = benches.map((each) => each.name);
    throw new UserError(
      `There is no benchmark "${name}"; did you mean "${closest(name, known)}"? (${known.join(', ')})`,
    );
  });
}

function table(rows: readonly Row[]): string {
  const drawn = new Table({
    head: ['benchmark', 'rodada', 'peer', 'times faster', 'unit'],
    colAligns: ['left', 'right', 'right', 'right', 'left'],
    style: { head: [], border: [] },
  });
  for (const row of rows) drawn.push([row.name, row.rodada, row.peer ?? '–', row.ratio ?? '–', row.unit]);
  return drawn.toString();
}
