// What leaves the store, for any store: nothing that is needed, and as little as a limit allows.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Inventory, type StoredRun, sweep } from '../../engine/gc/sweep.ts';
import type { Content } from '../../engine/store/tree.ts';

/** Sequences to try; more with RODADA_SWEEPS. */
const numRuns = Number(process.env.RODADA_SWEEPS ?? 500);

/** Objects are f0 … f7; a directory d<n> is itself and some of them. */
const manifests: Record<string, string[]> = { d0: ['f0', 'f1'], d1: ['f1', 'f2', 'f3'], d2: [], d3: ['f7'] };
const names = ['f0', 'f1', 'f2', 'f3', 'f4', 'f5', 'f6', 'f7', ...Object.keys(manifests)];

const content = fc
  .constantFrom(...names)
  .map((hash): Content => ({ type: hash.startsWith('d') ? 'directory' : 'file', hash, size: 1, files: 1 }));
const objectsOf = ({ hash }: Content): string[] => [hash, ...(manifests[hash] ?? [])];

const inventory = fc
  .record({
    sizes: fc.dictionary(fc.constantFrom(...names), fc.nat(100)),
    runs: fc.array(
      fc.record({ outs: fc.array(content, { maxLength: 3 }), lastUsed: fc.nat(20), kept: fc.boolean() }),
      { maxLength: 8 },
    ),
    needed: fc.array(content, { maxLength: 2 }),
    limit: fc.option(fc.nat(400)),
  })
  .map(({ sizes, runs, needed, limit }): Inventory => {
    const kept = new Set<string>();
    const stored = runs.map(({ outs, lastUsed, kept: isKept }, i): StoredRun => {
      if (isKept) kept.add(`k${i}`);
      return { key: `k${i}`, stage: 's', ended: '', lastUsed, outs };
    });
    const objects = new Map(Object.entries(sizes));
    return { objects, runs: stored, needed, isKept: ({ key }) => kept.has(key), limit, objectsOf };
  });

it('keeps all that is needed, and what stays on record can be restored as before', () => {
  fc.assert(
    fc.property(inventory, (stock) => {
      const { objects, runs, needed, isKept, limit } = stock;
      const swept = sweep(stock);
      const left = new Set([...objects.keys()].filter((hash) => !swept.objects.includes(hash)));
      const size = [...left].reduce((sum, hash) => sum + objects.get(hash)!, 0);
      expect(swept.kept).toBe(size);
      expect(swept.freed + size).toBe([...objects.values()].reduce((sum, each) => sum + each, 0));
      expect(new Set(swept.objects).size).toBe(swept.objects.length);
      const mustStay = [...needed, ...runs.filter(isKept).flatMap(({ outs }) => outs)].flatMap(objectsOf);
      for (const hash of mustStay) if (objects.has(hash)) expect(left).toContain(hash);
      expect(swept.runs.filter(isKept)).toEqual([]);
      // Whatever stays on record lost nothing that it had.
      const onRecord = runs.filter((run) => !swept.runs.includes(run));
      if (limit !== null)
        for (const hash of onRecord.flatMap(({ outs }) => outs).flatMap(objectsOf))
          if (objects.has(hash)) expect(left).toContain(hash);
      if (limit !== null) {
        // Within the limit, or nothing is left that could go.
        const needs = new Set(mustStay);
        if (size > limit) expect([...left].filter((hash) => !needs.has(hash))).toEqual([]);
      }
    }),
    { numRuns },
  );
});

it('lets the longest unused go first', () => {
  fc.assert(
    fc.property(inventory, (stock) => {
      fc.pre(stock.limit !== null);
      const swept = sweep(stock);
      const wentLast = Math.max(Number.NEGATIVE_INFINITY, ...swept.runs.map(({ lastUsed }) => lastUsed));
      // Whoever was used before one that went, and stayed, shares all it made with those that stay, or is kept.
      const stayed = stock.runs.filter((run) => !swept.runs.includes(run));
      for (const run of stayed.filter((each) => each.lastUsed < wentLast && !stock.isKept(each))) {
        const others = [
          ...stock.needed,
          ...stayed.filter((each) => each !== run).flatMap(({ outs }) => outs),
        ];
        const used = new Set(others.flatMap(objectsOf));
        for (const { hash } of run.outs) expect(used.has(hash)).toBe(true);
      }
    }),
    { numRuns },
  );
});

it('leaves only what is needed where there is no limit', () => {
  fc.assert(
    fc.property(inventory, (stock) => {
      const swept = sweep({ ...stock, limit: null });
      const needs = new Set(
        [...stock.needed, ...stock.runs.filter(stock.isKept).flatMap(({ outs }) => outs)].flatMap(objectsOf),
      );
      expect(swept.objects.toSorted()).toEqual(
        [...stock.objects.keys()].filter((hash) => !needs.has(hash)).sort(),
      );
    }),
    { numRuns },
  );
});
