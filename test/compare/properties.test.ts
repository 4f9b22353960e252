// What holds for all metrics documents, patterns and tolerances.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { flattenLeaves, segments } from '../../engine/compare/flatten.ts';
import { compileGate, GateSchema as EngineGate, passes } from '../../engine/compare/gates.ts';
import { judge } from '../../engine/compare/judge.ts';
import { metricsOf } from '../../engine/compare/metric.ts';
import { metricRows } from '../../engine/compare/metric-rows.ts';
import { filePairs } from '../../engine/compare/pairs.ts';
import type { Results } from '../../engine/compare/results.ts';
import { GateParams as ParamsGate } from '../../params/gates.ts';

const name = fc.oneof(
  fc.constantFrom('accuracy', 'loss', 'a.b', 'St. "B"', '', '.', '..', 'a\n', 'é/ü', '*', '__proto__'),
  fc.string(),
);
const number = fc.oneof(fc.double(), fc.integer({ min: -5, max: 5 }));
const document = fc.letrec<{ value: unknown; map: Record<string, unknown> }>((tie) => ({
  value: fc.oneof({ maxDepth: 3 }, number, fc.constantFrom(null, true, 'text', [1, 2]), tie('map')),
  map: fc.dictionary(name, tie('value'), { maxKeys: 4 }),
})).map;

/** A version with these metrics files; `edition` makes the bytes differ. */
const results = (files: Record<string, unknown>, edition = ''): Results => ({
  label: 'x',
  files: new Map(
    Object.entries(files).map(([path, document]) => [
      path,
      { hash: JSON.stringify(document) + edition, document, metrics: metricsOf(document) },
    ]),
  ),
  predictions: new Map(),
  unreadable: new Map(),
  problems: [],
  lock: undefined,
  varying: [],
  params: {},
});

const rowsOf = (old: unknown, now: unknown) =>
  metricRows(filePairs(results({ m: old }), results({ m: now }, 'x')), [], () => true);

/** The numbers of a document by key. */
const flattenNumbers = (doc: unknown): Map<string, number> =>
  new Map([...metricsOf(doc)].filter(([, { isNull }]) => !isNull).map(([key, { value }]) => [key, value]));

const sameNumber = (a: number, b: number): boolean => a === b || (Number.isNaN(a) && Number.isNaN(b));

/** The number at a path of segments, by walking rather than flattening. */
const walk = (value: unknown, path: readonly string[]): unknown =>
  path.reduce<unknown>((inner, step) => (inner as Record<string, unknown>)[step], value);

const countNumbers = (value: unknown): number => {
  if (typeof value === 'number') return 1;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 0;
  return Object.values(value).reduce<number>((sum, inner) => sum + countNumbers(inner), 0);
};

test('flattening finds each number once, under a key that leads back to it', () => {
  fc.assert(
    fc.property(document, (doc) => {
      const flat = flattenNumbers(doc);
      expect(flat.size).toBe(countNumbers(doc));
      for (const [key, value] of flat) expect(walk(doc, segments(key))).toBe(value);
    }),
  );
});

test('the leaves of a flat document are its entries', () => {
  fc.assert(
    fc.property(fc.dictionary(name, fc.oneof(number, fc.string(), fc.array(number))), (doc) => {
      const entries = [...flattenLeaves(doc)].map(([key, value]) => [segments(key)[0], value]);
      expect(entries).toEqual(Object.entries(doc));
    }),
  );
});

test('a version does not differ from itself, and swapping the sides swaps old and new', () => {
  fc.assert(
    fc.property(document, document, (a, b) => {
      expect(rowsOf(a, a).filter(({ difference }) => difference !== 0 && !Number.isNaN(difference))).toEqual(
        [],
      );
      const there = rowsOf(a, b);
      const back = new Map(rowsOf(b, a).map((row) => [row.key, row]));
      expect(there.length).toBe(back.size);
      for (const row of there) {
        const other = back.get(row.key)!;
        expect([row.old, row.new]).toEqual([other.new, other.old]);
        if (row.better !== null) expect(other.better).toBe(!row.better);
        const { old, new: now, difference } = row;
        if (old !== null && now !== null && !sameNumber(old.value, now.value))
          expect(difference).toBe(now.value - old.value);
      }
    }),
  );
});

test('every key is matched by ** and, at its own depth, by wildcards', () => {
  fc.assert(
    fc.property(fc.array(name, { minLength: 1, maxLength: 4 }), (path) => {
      const doc = path.reduceRight<unknown>((inner, step) => ({ [step]: inner }), 1);
      const [key] = flattenNumbers(doc).keys();
      fc.pre(key !== undefined && !path.includes('__proto__'));
      const gate = (pattern: string) =>
        compileGate({ metric: `**:${pattern}`, better: 'higher', tolerance: 0 });
      expect(gate('**').matches('metrics/x/y.json', key!)).toBe(true);
      expect(gate(path.map(() => '*').join('.')).matches('metrics/x/y.json', key!)).toBe(true);
      expect(gate([...path, '*'].map(() => '*').join('.')).matches('metrics/x/y.json', key!)).toBe(false);
    }),
  );
});

const tolerance = fc.oneof(
  fc.double({ min: 0, max: 100, noNaN: true }),
  fc.integer({ min: 0, max: 200 }).map((share) => `${share}%`),
);
const gate = fc.record({
  metric: fc.constant('**:x'),
  better: fc.constantFrom('higher' as const, 'lower' as const),
  tolerance,
});

test('a gate lets pass what is equal or better, and a tolerance is monotone and inclusive', () => {
  const finite = fc.double({ min: -1e6, max: 1e6, noNaN: true });
  fc.assert(
    fc.property(gate, finite, finite, (definition, old, now) => {
      const better = definition.better === 'higher' ? now >= old : now <= old;
      if (better) expect(passes(definition, old, now)).toBe(true);
      const difference = Math.abs(now - old);
      expect(passes({ ...definition, tolerance: difference }, old, now)).toBe(true);
      if (!better && difference > 1e-6) {
        expect(passes({ ...definition, tolerance: difference * 0.99 }, old, now)).toBe(false);
        if (passes(definition, old, now)) expect(passes(definition, old, (old + now) / 2)).toBe(true);
      }
    }),
  );
});

test('NaN and infinities: a number that is lost is a regression, one that was lost is none', () => {
  const higher = { metric: '**:x', better: 'higher', tolerance: '50%' } as const;
  expect(passes(higher, 0.5, Number.NaN)).toBe(false);
  expect(passes(higher, Number.NaN, 0.5)).toBe(true);
  expect(passes(higher, Number.NaN, Number.NaN)).toBe(true);
  expect(passes({ ...higher, better: 'lower' }, 0.5, Number.POSITIVE_INFINITY)).toBe(false);
  expect(passes({ ...higher, better: 'lower' }, Number.POSITIVE_INFINITY, 0.5)).toBe(true);
  expect(passes({ ...higher, better: 'lower' }, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY)).toBe(
    true,
  );
});

test('a gate names a segment that holds a dot in quotes', () => {
  const [key] = flattenNumbers({ perClass: { 'St. Bernard': { f1: 1 } } }).keys();
  expect(key).toBe('perClass."St. Bernard".f1');
  const matches = (metric: string) =>
    compileGate({ metric, better: 'higher', tolerance: 0 }).matches('m.json', key!);
  expect(
    ['*:perClass."St. Bernard".f1', '*:perClass.*.f1', '**:perClass.**', '*:**.{f1,recall}'].map(matches),
  ).toEqual([true, true, true, true]);
  expect(['*:f1', '*:perClass."St. Bernard"', 'metrics/*:**', '*:perClass."\\*".f1'].map(matches)).toEqual([
    false,
    false,
    false,
    false,
  ]);
});

test('judging a version by itself never finds a regression, dropping a gated metric always does', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.stringMatching(/^[a-z]{1,6}$/), number, { minKeys: 1 }),
      gate,
      (doc, definition) => {
        const gates = [compileGate({ ...definition, metric: '**:**' })];
        const judged = (old: Results, now: Results) => judge(old, now, filePairs(old, now), gates);
        const same = judged(results({ m: doc }), results({ m: doc }));
        expect(same).toMatchObject({ offenders: [], withinNoise: [], judged: Object.keys(doc).length });
        expect(same.unmatched).toEqual([]);
        const gone = judged(results({ m: doc }), results({ m: {} }));
        expect(gone.offenders.map(({ verdict }) => verdict)).toEqual(Object.keys(doc).map(() => 'missing'));
      },
    ),
  );
});

test('the study and the engine agree on what a gate is', () => {
  const any = fc.record(
    {
      metric: fc.constantFrom<unknown>('**:accuracy', 'accuracy', 'a:', ':b', 'm.json:a:b', '', 3),
      better: fc.constantFrom<unknown>('higher', 'lower', 'more', null),
      tolerance: fc.constantFrom<unknown>(0, 0.1, -1, '5%', '5.5%', '-5%', '5', Number.NaN, null),
      extra: fc.constant(1),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(any, (value) => {
      expect(ParamsGate.safeParse(value).success).toBe(EngineGate.safeParse(value).success);
    }),
    { numRuns: 500 },
  );
});
