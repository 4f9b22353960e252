// Named places at which a test makes the engine die as if by kill -9, to see that nothing is lost there.

/** What is written in one step, and the moments before and after each part of that step. */
const atomic = ['claim', 'lock', 'record', 'memo'] as const;
const moments = ['write', 'sync', 'rename', 'renamed'] as const;

/** All of them, in the order in which a run passes them. */
export const crashPoints = [
  'run-lock-taken',
  'leftovers-found',
  'leftover-kept',
  'leftover-moved',
  'leftover-forgotten',
  'quarantine',
  'restore-file',
  'restored',
  'command-ended',
  'object-write',
  'object-sync',
  'object-rename',
  'object-renamed',
  'publish-aside',
  'publish-rename',
  'publish-renamed',
  'published',
  ...atomic.flatMap((what) => moments.map((moment) => `${what}-${moment}` as const)),
  'run-lock-release',
] as const;

export type CrashPoint = (typeof crashPoints)[number];

const [wanted, count = '1'] = (process.env.RODADA_CRASH_AT ?? '').split('#');
let left = Number(count);

/** Ends this process at once if `RODADA_CRASH_AT` is `name`, or `name#3` and it is passed for the third time. */
export function crashPoint(name: CrashPoint): void {
  if (name !== wanted || --left > 0) return;
  process.kill(process.pid, 'SIGKILL');
  for (;;); // nothing may happen until the signal is delivered
}
