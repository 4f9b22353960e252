// Projects whose stages are renamed and removed, and the clean build that each must equal afterwards.
import { readdirSync, readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { snapshot } from '../safety/pipeline.ts';
import { Project } from '../support/project.ts';

/** make × (a, b, c) → join through a glob, a folder in nested folders, an output that is not cached, and metrics. */
export const files = {
  'pipeline.yaml': `
stages:
  make:
    matrix: { name: [a, b, c] }
    cmd: echo \${name} > \${outs.text} && echo "{\\"size\\":1}" > \${outs.size}
    outs: { text: 'made/\${name}.txt' }
    metrics: { size: 'metrics/\${name}.json' }
  tree:
    cmd: mkdir -p \${outs.tree}/in/empty && echo 1 > \${outs.tree}/in/1.txt && echo 2 > \${outs.tree}/2.txt
    outs: { tree: deep/er/tree }
  note:
    cmd: echo note > \${outs.note}
    outs: { note: { path: note.txt, cache: false } }
  join:
    cmd: cat \${lists.all} > \${outs.all}
    deps: { all: 'made/*.txt' }
    outs: { all: all.txt }
`,
  'params.yaml': 'seed: 1\n',
  'made/source.txt': 'source\n',
};

/** pipeline.yaml without one of its stages. */
export function without(stage: string, text: string = files['pipeline.yaml']): string {
  const pieces = text.split(/^(?= {2}\w)/m);
  const left = pieces.filter((piece) => !piece.startsWith(`  ${stage}:`));
  if (left.length !== pieces.length - 1) throw new Error(`there is no stage ${stage}`);
  return left.join('');
}

/** Everything in a project but its store. */
export function everything(project: Project): Record<string, string> {
  const names = readdirSync(project.root).filter((name) => !['cache', 'node_modules', '.git'].includes(name));
  return snapshot(project.root, names);
}

/** Holds a project to what its files give in an empty folder. @param sources what people wrote besides pipeline.yaml */
export async function expectCleanBuild(
  project: Project,
  sources: Readonly<Record<string, string>> = files,
  ...args: string[]
): Promise<void> {
  const pipeline = readFileSync(project.path('pipeline.yaml'), 'utf8');
  const clean = await Project.create({ ...sources, 'pipeline.yaml': pipeline });
  expect((await clean.repro(...args)).exitCode).toBe(0);
  expect(everything(project)).toEqual(everything(clean));
}
