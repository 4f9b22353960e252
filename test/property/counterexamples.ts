// Sequences of changes that ended in a wrong result under a fault of the engine: they are tried before the random ones.
import type { LivedIn, Step } from './lived-in-project.ts';

const none = { a: 0, b: 0, c: 0, d: 0 };
const first: LivedIn = {
  stages: [{ name: 'a', labels: [], reads: 'file', which: 0, spelling: 'plain', does: 'join', param: null }],
  data: { 'a.txt': { content: 'a\n', mode: 0o644 } },
  other: 'a\n',
  outside: 'a\n',
  params: [0, 0],
  sealed: [],
  scripts: none,
  comments: none,
};
const edit = { change: 'entry', which: 'a.txt', to: { content: 'c\n', mode: 0o644 } } as const;

/** The project, what happens to it, whether clocks are coarse, and whether the engine is started by the command line. */
export const counterexamples: [LivedIn, Step[], boolean, boolean][] = [
  // Without a look at the inputs when the command has ended, what it made of the new content gets the old content's key.
  [first, [{ change: edit, during: 0, second: 'none' }], false, false],
  [first, [{ change: edit, during: 0, second: 'does not wait' }], true, true],
  [first, [{ change: edit, during: 0, second: 'waits' }], true, true],
];
