// A small project of shell stages and a JavaScript one, which the tests of the verbs share.

/** upper → words → count × (c, w) → total; `side` stands alone. */
export const textProject = {
  'pipeline.yaml': `# How the texts are counted.
stages:
  upper:
    cmd: tr a-z A-Z < \${deps.text} > \${outs.upper}
    deps: { text: text.txt }
    outs: { upper: out/upper.txt }
  words:
    cmd: tr -s ' ' '\\n' < \${deps.text} | sort -u > \${outs.words}
    deps: { text: out/upper.txt }
    outs: { words: out/words.txt }
  count:
    matrix: { unit: [c, w] }
    cmd: node count.mjs
    params: [times, 'by.\${unit}']
    deps: { words: out/words.txt }
    outs: { count: 'out/count-\${unit}' }
  total:
    cmd: mkdir \${outs.total} && cat \${lists.counts} > \${outs.total}/total.txt && echo done > \${outs.total}/note.txt
    deps: { counts: '\${stages.count.count}' }
    outs: { total: total }
  side: # stands alone
    cmd: 'echo "to stdout" && echo "to stderr" >&2 && echo side > \${outs.side}'
    outs: { side: out/side.txt }
`,
  'params.yaml': 'times: 2\nby: { c: 1, w: 1 }\n',
  'profiles/big.yaml': 'times: 100\n',
  'text.txt': 'a b a\n',
  'count.mjs': `
import { readFileSync, writeFileSync } from 'node:fs';
import { scale } from './lib/scale.mjs';
const { params, deps, outs, labels } = JSON.parse(readFileSync(process.env.RODADA_STAGE, 'utf8'));
const words = readFileSync(deps.words, 'utf8');
const n = labels.unit === 'c' ? words.length : words.split('\\n').length - 1;
writeFileSync(outs.count, String(scale(n, params.times * params.by[labels.unit])) + '\\n');
`,
  'lib/scale.mjs': `
export function scale(n, by) {
  return n * by;
}
`,
  '.gitignore': '/cache/\n/out/\n/total/\nnode_modules\n',
};

/** All instances, in the graph's order. */
export const all = ['upper', 'words', 'count:c', 'count:w', 'total', 'side'];

/** The lines of a verb's JSON output. */
export const jsonLines = (stdout: string): Record<string, unknown>[] =>
  stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
