// `dag`: the drawings of what depends on what.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Project } from '../support/project.ts';
import { jsonLines, textProject } from './text-project.ts';

describe('dag', () => {
  let project: Project;
  beforeAll(async () => {
    project = await Project.createForSuite({
      ...textProject,
      'pipeline.yaml': `${textProject['pipeline.yaml']}
  report:
    cmd: 'cat \${deps.total}/* \${deps.text} \${deps.side} > \${outs.report}'
    deps: { total: total, text: out/upper.txt, side: out/side.txt }
    outs: { report: report.txt }
`,
    });
  });
  afterAll(() => project.dispose());

  it('is a tree in which a stage stands once, with the instances of a matrix as one', async () => {
    const { exitCode, stdout } = await project.cli('dag');
    expect(exitCode).toBe(0);
    expect(stdout).toBe(`upper
└─ words
   └─ count ×2 (unit)
      └─ total
side
└─ report ← also total
`);
  });

  it('shows each instance with --expand, and edges that follow from others with --all-edges', async () => {
    expect((await project.cli('dag', '--expand', '--all-edges')).stdout).toBe(`upper
└─ words
   ├─ count:c
   └─ count:w
      └─ total ← also count:c
side
└─ report ← also upper, total
`);
  });

  it('draws what the targets need', async () => {
    expect((await project.cli('dag', 'count:c')).stdout).toBe('upper\n└─ words\n   └─ count ×1 (unit)\n');
  });

  it('writes Mermaid', async () => {
    expect((await project.cli('dag', '--mermaid')).stdout).toBe(`flowchart TD
  s1["upper"]
  s2["words"]
  s3["count ×2 (unit)"]
  s4["total"]
  s5["side"]
  s6["report"]
  s1 --> s2
  s2 --> s3
  s3 --> s4
  s4 --> s6
  s5 --> s6
`);
  });

  it('writes Graphviz', async () => {
    expect((await project.cli('dag', '--dot', 'count', '--expand')).stdout).toBe(`digraph pipeline {
  node [shape=box];
  "upper" [label="upper"];
  "words" [label="words"];
  "count:c" [label="count:c"];
  "count:w" [label="count:w"];
  "upper" -> "words";
  "words" -> "count:c";
  "words" -> "count:w";
}
`);
    const both = await project.cli('dag', '--dot', '--mermaid');
    expect(both.exitCode).toBe(2);
    expect(both.stderr).toContain("option '--mermaid' cannot be used with option '--dot'");
  });

  it('gives the nodes to a program', async () => {
    const [dag] = jsonLines((await project.cli('dag', '--json', 'words')).stdout);
    expect(dag).toEqual({
      type: 'dag',
      format: 'tree',
      nodes: [
        { name: 'upper', instances: 1, axes: [], needs: [] },
        { name: 'words', instances: 1, axes: [], needs: ['upper'] },
      ],
    });
  });

  it('draws without the data', async () => {
    await project.remove('text.txt');
    expect((await project.cli('dag')).exitCode).toBe(0);
  });

  it('leaves out no edge but those that others imply', async () => {
    // An oracle: the ancestors by the drawn edges are those by all edges, in a graph of every edge i → j with i | j.
    const numbers = Array.from({ length: 40 }, (_, i) => i + 1);
    const stages = numbers.map((n) => {
      const deps = numbers.filter((m) => m < n && n % m === 0).map((m) => `o${m}`);
      return `  s${n}: { cmd: 'true > \${outs.o}', deps: [${deps.join(', ')}], outs: { o: o${n} } }`;
    });
    const divisors = await Project.create({
      'pipeline.yaml': `stages:\n${stages.join('\n')}\n`,
      'params.yaml': '',
    });
    const edges = async (...options: string[]): Promise<Map<string, string[]>> => {
      const [dag] = jsonLines((await divisors.cli('dag', '--json', ...options)).stdout);
      return new Map(
        (dag!.nodes as { name: string; needs: string[] }[]).map((node) => [node.name, node.needs]),
      );
    };
    const [drawn, every] = [await edges(), await edges('--all-edges')];
    const ancestors = (needs: Map<string, string[]>, name: string): string[] => {
      const found = new Set(needs.get(name));
      for (const each of found) for (const need of needs.get(each)!) found.add(need);
      return [...found].sort();
    };
    const isPrime = (n: number): boolean => n > 1 && numbers.every((m) => m === 1 || m >= n || n % m !== 0);
    for (const n of numbers) {
      expect(ancestors(drawn, `s${n}`)).toEqual(ancestors(every, `s${n}`));
      // What remains is n divided by a prime.
      const left = numbers.filter((m) => n % m === 0 && isPrime(n / m)).map((m) => `s${m}`);
      expect(drawn.get(`s${n}`)!.toSorted()).toEqual(left.sort());
    }
  });
});
