// Checks that the shells that run the commands are installed, before anything starts.
import { findProgram, searchPath } from '../config/shell.ts';
import { configuration } from '../config/zod-diagnostics.ts';
import type { Instance } from '../plan/instance.ts';
import type { Plan } from '../plan/plan.ts';
import { fail, type Result, succeed } from '../result.ts';

/** Fails at the place that names a shell which is not installed. Frozen instances run nothing. */
export function checkShells({ root, pipeline }: Plan, instances: readonly Instance[]): Result<void> {
  const users = new Map(instances.filter(({ frozen }) => !frozen).map((each) => [each.shell, each.stage]));
  const path = searchPath(root);
  const failures = [...users].flatMap(([shell, stage]) => {
    const program = shell.split(' ')[0]!;
    if (findProgram(program, path, root) !== undefined) return [];
    const { definition, source } = pipeline;
    const at = definition.stages[stage]?.shell === undefined ? ['shell'] : ['stages', stage, 'shell'];
    const hint = `Install it, or name another \`shell\` in pipeline.yaml.`;
    return configuration(`The shell \`${program}\` is not installed.`, hint, source.position(at));
  });
  return failures.length === 0 ? succeed(undefined) : fail(...failures);
}
