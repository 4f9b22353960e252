// `rodada dag [targets…]`: draws what depends on what.
import { Command, Option } from 'commander';
import { type DagFormat, stageGraph } from '../inspect/stage-graph.ts';
import { typed } from '../invocation.ts';
import { selectTargets } from '../plan/targets.ts';
import { tellOfRun } from './looking.ts';
import { examples, type PlanFlags, planOf, type Session, session, withPlanOptions } from './session.ts';

interface DagFlags extends PlanFlags {
  readonly mermaid?: boolean;
  readonly dot?: boolean;
  readonly expand?: boolean;
  readonly allEdges?: boolean;
}

export function dagCommand(): Command {
  const command = new Command('dag')
    .description('draw what depends on what')
    .argument('[targets...]', 'stages, prefixes or instances, with all that they need (default: everything)')
    .addOption(new Option('--mermaid', 'for Mermaid, which Markdown on GitHub draws').conflicts('dot'))
    .option('--dot', 'for Graphviz')
    .option('--expand', 'each instance of a matrix by itself')
    .option('--all-edges', 'also dependencies that follow from others');
  return withPlanOptions(command)
    .option('--json', 'print the nodes as a JSON line')
    .addHelpText(
      'after',
      () => `${examples([
        [typed('dag'), 'the stages as a tree'],
        [typed('dag train:cnn1 --expand'), "what one model's trainings need"],
        [`${typed('dag --mermaid', { quiet: true })} > dag.mmd`, 'for a Markdown file'],
        [`${typed('dag --dot', { quiet: true })} | dot -Tsvg > dag.svg`, ''],
      ])}

In the tree a stage stands once, below the last of what it needs; "← also" names the rest. A dependency that follows from
others is left out: of a → b → c and a → c the second.`,
    )
    .action((targets: string[], flags: DagFlags) =>
      session(flags, (session) => runDag(session, targets, flags)),
    );
}

async function runDag(session: Session, targets: readonly string[], flags: DagFlags): Promise<number> {
  const { emit, failed } = session;
  const plan = await planOf(session, flags, { allowMissing: true });
  if (!plan.ok) return failed(plan.failures);
  const { graph } = plan.value;
  const chosen = selectTargets(graph, targets);
  if (!chosen.ok) return failed(chosen.failures);
  const options = { expand: flags.expand === true, allEdges: flags.allEdges === true };
  const format: DagFormat = flags.mermaid === true ? 'mermaid' : flags.dot === true ? 'dot' : 'tree';
  // Mermaid and Graphviz read the rest.
  if (format === 'tree') await tellOfRun(session);
  emit({ type: 'dag', format, nodes: stageGraph(graph, chosen.value, options) });
  return 0;
}
