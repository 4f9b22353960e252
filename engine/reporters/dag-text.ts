// Draws the DAG: as a tree for the terminal, for Mermaid and for Graphviz.
import pc from 'picocolors';
import type { DagFormat, StageNode } from '../inspect/stage-graph.ts';

/** The whole drawing, without a final newline. */
export function dagText(nodes: readonly StageNode[], format: DagFormat): string {
  return { tree: treeText, mermaid: mermaidText, dot: dotText }[format](nodes);
}

/** `train ×9 (model × run)`. */
const label = ({ name, instances, axes }: StageNode): string =>
  axes.length > 0 ? `${name} ×${instances} (${axes.join(' × ')})` : name;

/** Each node once, below the last of what it needs; the others are named beside it. */
function treeText(nodes: readonly StageNode[]): string {
  const position = new Map(nodes.map(({ name }, i) => [name, i]));
  const below = new Map<string, StageNode[]>();
  const roots: StageNode[] = [];
  const parentOf = ({ name, needs }: StageNode): string | undefined =>
    needs.findLast((need) => position.get(need)! < position.get(name)!);
  for (const node of nodes) {
    const parent = parentOf(node);
    if (parent === undefined) roots.push(node);
    else below.set(parent, [...(below.get(parent) ?? []), node]);
  }
  const lines: string[] = [];
  // Without recursion: a chain of stages may be longer than the call stack.
  const stack = roots.map((node) => ({ node, before: '', branch: '', after: '' })).reverse();
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const { node, before, branch, after } = next;
    const parent = parentOf(node);
    const others = node.needs.filter((need) => need !== parent);
    const also = others.length > 0 ? pc.dim(` ← also ${others.join(', ')}`) : '';
    lines.push(`${pc.dim(before + branch)}${label(node)}${also}`);
    const children = below.get(node.name) ?? [];
    for (const [i, child] of [...children.entries()].reverse()) {
      const isLast = i === children.length - 1;
      stack.push({
        node: child,
        before: before + after,
        branch: isLast ? '└─ ' : '├─ ',
        after: isLast ? '   ' : '│  ',
      });
    }
  }
  return lines.join('\n');
}

function mermaidText(nodes: readonly StageNode[]): string {
  const id = identifiers(nodes);
  return [
    'flowchart TD',
    ...nodes.map((node) => `  ${id.get(node.name)}["${label(node).replaceAll('"', '#quot;')}"]`),
    ...nodes.flatMap(({ name, needs }) => needs.map((need) => `  ${id.get(need)} --> ${id.get(name)}`)),
  ].join('\n');
}

function dotText(nodes: readonly StageNode[]): string {
  const quote = (text: string): string => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
  return [
    'digraph pipeline {',
    '  node [shape=box];',
    ...nodes.map((node) => `  ${quote(node.name)} [label=${quote(label(node))}];`),
    ...nodes.flatMap(({ name, needs }) => needs.map((need) => `  ${quote(need)} -> ${quote(name)};`)),
    '}',
  ].join('\n');
}

/** A name of its own for each node, as Mermaid takes few characters, and has words such as `end` of its own. */
const identifiers = (nodes: readonly StageNode[]): Map<string, string> =>
  new Map(nodes.map(({ name }, i) => [name, `s${i + 1}`]));
