// Runs in an order that people expect, and what changed between two of them in words.
import { expect, test } from 'vitest';
import { changeInWords, compareRuns } from '../../report/run-order.ts';

test('numbers count by value', () => {
  const sorted = ['batch32-epochs20', 'batch32-epochs100', 'batch64-epochs20', 'batch128-epochs20'];
  expect([...sorted].reverse().sort(compareRuns)).toEqual(sorted);
  expect(['b', 'a10', 'a9', 'a', '10', '9'].sort(compareRuns)).toEqual(['9', '10', 'a', 'a9', 'a10', 'b']);
  expect(compareRuns('batch32', 'batch32')).toBe(0);
});

test('a change names the fields that differ', () => {
  expect(changeInWords('batch32-epochs20', 'batch64-epochs20')).toBe('batch 32 → 64');
  expect(changeInWords('batch32-epochs20', 'batch64-epochs30')).toBe('batch 32 → 64, epochs 20 → 30');
  expect(changeInWords('quick', 'batch64-epochs30')).toBe('quick → batch64-epochs30');
});
