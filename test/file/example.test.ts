// The second pipeline, examples/words: shell and Python stages, checked against a count of our own.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Project } from '../support/project.ts';
import { projectRoot } from '../support/run-stage.ts';

const example = join(projectRoot, 'examples', 'words');
const hasPython = spawnSync('python3', ['--version']).status === 0;
const isPart = (path: string): boolean =>
  statSync(join(example, path)).isFile() &&
  !/^(cache|counts|metrics|words)\/|^pipeline\.lock$|^report\.md$|__pycache__/.test(path);

function copyOfExample(): Promise<Project> {
  const paths = readdirSync(example, { recursive: true, encoding: 'utf8' }).filter(isPart);
  return Project.create(
    Object.fromEntries(paths.map((path) => [path, readFileSync(join(example, path), 'utf8')])),
  );
}

const wordStages = ['words:alice', 'words:ishmael', 'words:bennet'];
const counts = ['count:alice:1', 'count:alice:2', 'count:ishmael:1', 'count:ishmael:2', 'count:bennet:1'];

describe('the shell stages of examples/words', () => {
  it('take the texts apart', async () => {
    const project = await copyOfExample();
    const { summary } = await project.repro('words');
    expect(summary.executed).toEqual(wordStages);
    const text = await project.read('texts/alice.txt');
    const words = text.toLowerCase().match(/[a-z']+/g)!;
    expect(await project.read('words/alice.txt')).toBe(`${words.join('\n')}\n`);
  });
});

describe.skipIf(!hasPython)('all stages of examples/words (left out where there is no python3)', () => {
  it('count as we do, and run again as far as an edit reaches', async () => {
    const project = await copyOfExample();
    const first = await project.repro();
    expect(first.summary.executed).toEqual([...wordStages, ...counts, 'report']);
    expect(first.events.filter(({ type }) => type === 'warning')).toEqual([]);
    for (const text of ['alice', 'ishmael', 'bennet'])
      expect(await project.read(`counts/${text}-1.csv`)).toBe(await commonest(project, text, 3));
    expect(await project.read('report.md')).toMatch(/^# The 3 commonest\n\n## alice-1\n\n1\. her \(5\)\n/);
    expect((await project.repro()).summary.executed).toEqual([]);

    await project.edit('params.yaml', 'top: 3', 'top: 4');
    const more = await project.repro();
    expect(more.summary).toMatchObject({ executed: [...counts, 'report'], fresh: wordStages });
    expect(await project.read('counts/alice-1.csv')).toBe(await commonest(project, 'alice', 4));
    await project.edit('params.yaml', 'top: 4', 'top: 3');
    // The report is not in the store, and the shell makes it again.
    expect((await project.repro()).summary).toMatchObject({ executed: ['report'], restored: counts });

    await project.edit('texts/alice.txt', 'Alice was', 'ALICE was');
    expect((await project.repro()).summary.executed).toEqual(['words:alice']);

    await project.edit('scripts/lib/runs.py', 'How often', 'The number of times');
    expect((await project.repro()).summary).toMatchObject({
      executed: counts,
      fresh: [...wordStages, 'report'],
    });
  });
});

/** The commonest words of a text, by a count of our own. */
async function commonest(project: Project, text: string, top: number): Promise<string> {
  const stop = new Set((await project.read('stop-words.txt')).split('\n'));
  const times = new Map<string, number>();
  for (const word of (await project.read(`texts/${text}.txt`)).toLowerCase().match(/[a-z']+/g)!)
    if (!stop.has(word)) times.set(word, (times.get(word) ?? 0) + 1);
  return [...times]
    .sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
    .slice(0, top)
    .map(([word, n]) => `${word},${n}\n`)
    .join('');
}
