// The DAG as it is drawn: one node for each stage or instance, and the edges between them.
import type { Graph } from '../plan/graph.ts';
import type { Instance } from '../plan/instance.ts';

/** How it is drawn: as a tree for the terminal, for Mermaid, or for Graphviz. */
export type DagFormat = 'tree' | 'mermaid' | 'dot';

/** A stage with all its instances that were chosen, or one instance. */
export interface StageNode {
  readonly name: string;
  /** How many instances it stands for; 1 for a stage without matrix. */
  readonly instances: number;
  /** Axes of its matrix, where it stands for several instances. */
  readonly axes: readonly string[];
  /** Names of the nodes that it reads from, in the order of the nodes. */
  readonly needs: readonly string[];
}

export interface GraphOptions {
  /** A node for each instance instead of each stage. */
  readonly expand: boolean;
  /** Also the edges that follow from others: a → c beside a → b → c. */
  readonly allEdges: boolean;
}

/** The nodes of the `chosen` instances, each after what it needs (where stages of a matrix allow that). */
export function stageGraph(
  graph: Graph,
  chosen: readonly Instance[],
  { expand, allEdges }: GraphOptions,
): StageNode[] {
  const nameOf = ({ name, stage }: Instance): string => (expand ? name : stage);
  const isChosen = new Set(chosen);
  const groups = new Map<string, { members: Instance[]; needs: Set<string> }>();
  for (const instance of chosen) {
    const name = nameOf(instance);
    const group = groups.get(name) ?? { members: [], needs: new Set() };
    groups.set(name, group);
    group.members.push(instance);
    for (const need of graph.needs.get(instance.name)!)
      if (isChosen.has(need) && nameOf(need) !== name) group.needs.add(nameOf(need));
  }
  const order = new Map([...groups.keys()].map((name, i) => [name, i]));
  const needs = new Map([...groups].map(([name, group]) => [name, [...group.needs]]));
  // Two stages whose instances need each other in turn have no order; there every edge is shown.
  const hasOrder = [...needs].every(([name, all]) =>
    all.every((need) => order.get(need)! < order.get(name)!),
  );
  const shown = allEdges || !hasOrder ? needs : reduce(needs);
  return [...groups].map(([name, { members }]) => ({
    name,
    instances: members.length,
    axes: expand ? [] : Object.keys(members[0]!.matrix),
    needs: shown.get(name)!.sort((a, b) => order.get(a)! - order.get(b)!),
  }));
}

/** The transitive reduction of a DAG whose nodes come after what they need. */
function reduce(needs: ReadonlyMap<string, readonly string[]>): Map<string, string[]> {
  const position = new Map([...needs.keys()].map((name, i) => [name, i]));
  // A set of bits for each node, all that it needs at any distance: 10,000 nodes take 13 MB.
  const reached: Uint32Array[] = [];
  const reduced = new Map<string, string[]>();
  for (const [name, all] of needs) {
    const implied = new Uint32Array(Math.ceil(needs.size / 32));
    const positions = all.map((need) => position.get(need)!);
    for (const i of positions) for (const [word, bits] of reached[i]!.entries()) implied[word]! |= bits;
    reduced.set(
      name,
      all.filter((_, j) => (implied[positions[j]! >> 5]! & (1 << (positions[j]! & 31))) === 0),
    );
    for (const i of positions) implied[i >> 5]! |= 1 << (i & 31);
    reached.push(implied);
  }
  return reduced;
}
