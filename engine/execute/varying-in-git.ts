// Warns about outputs that differ on every run if git keeps them, or would with the next `git add`.
import type { Emit } from '../event.ts';
import type { Workspace } from './workspace.ts';

/** Looks at the varying outputs of the instances that were executed. */
export async function warnOfVaryingInGit(
  { root, plan }: Workspace,
  executed: readonly string[],
  emit: Emit,
): Promise<void> {
  const { instances, outs } = plan.graph;
  if (!outs.hasVarying) return;
  const ran = new Set(executed);
  const paths = instances
    .filter(({ name }) => ran.has(name))
    .flatMap((instance) => instance.outs.filter(({ varies }) => varies === true).map(({ path }) => path));
  if (paths.length === 0) return;
  const { Repository } = await import('../compare/git.ts');
  const repository = await Repository.open(root);
  const seen = repository.ok ? await repository.value.notIgnored(paths) : [];
  if (seen.length > 0) emit({ type: 'warning', warning: { what: 'varying-in-git', paths: seen } });
}
