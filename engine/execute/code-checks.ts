// Looks at what the stages' commands name for what would give wrong results, and for what the engine can't see.
import { posix } from 'node:path';
import { paramsFile } from '../config/params.ts';
import { configuration } from '../config/zod-diagnostics.ts';
import type { ConfigurationFailure } from '../failure.ts';
import type { CommandCode } from '../fingerprint/command-code.ts';
import { languageOf } from '../fingerprint/references.ts';
import type { Instance } from '../plan/instance.ts';
import type { Plan } from '../plan/plan.ts';
import { fail, type Result, succeed } from '../result.ts';
import type { Warning } from '../warning.ts';

/** What is known of an instance's code. */
export interface SeenCode extends CommandCode {
  readonly instance: Instance;
}

/** From so many bytes on, hashing a file that nobody has declared is worth a word. */
const large = 64 << 20;

/**
 * Warnings about code that the engine can't see; failures if a stage would not see `--set` or `--profile`.
 * @param sizeOf bytes of a file
 */
export function checkCode(
  plan: Plan,
  codes: readonly SeenCode[],
  sizeOf: (path: string) => number,
): Result<Warning[]> {
  const failures = new Map<string, ConfigurationFailure>();
  const warnings = new Map<string, Warning>();
  const warn = (warning: Warning): void => {
    const { what } = warning;
    const key = JSON.stringify([
      what,
      'file' in warning ? warning.file : 'stage' in warning && warning.stage,
    ]);
    if (!warnings.has(key)) warnings.set(key, warning);
  };
  for (const { instance, readsParams, unknown, computed, writes, data } of codes) {
    const { stage } = instance;
    const paths = instance.deps.flatMap((dep) => dep.paths);
    const declares = paths.some((path) => isWithin(paramsFile, path));
    if (readsParams !== undefined || declares) {
      if (plan.overridden !== undefined && !instance.frozen)
        failures.set(
          stage,
          unseenParams(
            plan,
            instance,
            declares && readsParams === 'cmd' ? undefined : readsParams,
            plan.overridden,
          ),
        );
      else if (!declares) warn({ what: 'reads-params', stage, by: readsParams! });
    }
    if (!declaresCode(plan, instance)) {
      if (unknown !== undefined) warn({ what: 'no-code', stage, command: unknown });
      if (computed !== undefined) warn({ what: 'computed-import', stage, file: computed });
    }
    for (const path of writes)
      if (plan.graph.outs.containing(path) === undefined && !paths.some((dep) => isWithin(path, dep)))
        if (plan.paths.problem(path) === undefined && !plan.paths.isFolder(path))
          warn({ what: 'undeclared-write', stage, path });
    for (const path of data) {
      const size = sizeOf(path);
      if (size >= large) warn({ what: 'large-file', stage, path, size });
    }
  }
  return failures.size > 0 ? fail(...failures.values()) : succeed([...warnings.values()]);
}

const isWithin = (path: string, folder: string): boolean =>
  folder === '.' || path === folder || path.startsWith(`${folder}/`);

/** Whether the stage's author has thought of its code: a dependency on some, on a folder or on a pattern. */
function declaresCode(plan: Plan, instance: Instance): boolean {
  return instance.deps.some(
    ({ paths, pattern }) =>
      pattern !== null ||
      paths.some((path) => (languageOf(path) ?? 'data') !== 'data' || plan.paths.isFolder(path)),
  );
}

function unseenParams(
  plan: Plan,
  { stage }: Instance,
  by: string | undefined,
  option: string,
): ConfigurationFailure {
  const how =
    by === undefined
      ? `depends on ${paramsFile}`
      : `reads ${paramsFile} itself${by === 'cmd' ? '' : ` (\`${posix.normalize(by)}\`)`}`;
  return configuration(
    `\`${stage}\` ${how}, so it would not see the values of \`${option}\`.`,
    'Name its parameters under `params` and read them from the file that RODADA_STAGE names (in TypeScript: `stage()`), or edit params.yaml.',
    plan.pipeline.source.position(['stages', stage, 'cmd']),
  );
}
