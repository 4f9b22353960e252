// A project whose pipeline measures two models with five seeds, for the tests of what made the metrics.
import { Project } from './project.ts';

const measure = `import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { bonus } from './bonus.mjs';
const [out, model] = process.argv.slice(2);
const a = JSON.parse(readFileSync(0, 'utf8')).a;
const values = Object.fromEntries([20, 21, 22, 23, 24].map((seed, i) => [seed, 0.8 - 0.02 * (a - 3) + bonus + 0.01 * Math.sin(7 * i)]));
const numbers = Object.values(values);
const mean = numbers.reduce((sum, number) => sum + number) / 5;
const sd = Math.sqrt(numbers.reduce((sum, number) => sum + (number - mean) ** 2, 0) / 4);
writeFileSync(out, JSON.stringify({ model, accuracy: { mean, sd, n: 5, values } }));
`;

export const pipelineFiles = {
  'pipeline.yaml': `stages:
  prepare:
    cmd: sort pictures.txt > \${outs.sorted}
    deps: [pictures.txt]
    outs: { sorted: sorted.txt }
  measure:
    matrix: { model: "\${models}" }
    cmd: echo '{"a":\${a}}' | node measure.mjs \${outs.metrics} \${model}
    params: [nested]
    deps: [sorted.txt]
    metrics: { metrics: "metrics/\${model}.json" }
`,
  'params.yaml': `models: [one, two]
a: 3
nested: { x: 1, y: { z: 2 } }
gates:
  - { metric: "**:accuracy", better: higher, tolerance: 0.02 }
`,
  'measure.mjs': measure,
  'bonus.mjs': 'export const bonus = 0;\n',
  'pictures.txt': 'bus\ncar\n',
  '.gitignore': 'cache/\nsorted.txt\n',
};

/** The project after its first repro, committed. */
export async function measuredProject(): Promise<Project> {
  const project = await Project.repository();
  await project.write(pipelineFiles);
  await project.repro();
  await project.commit();
  return project;
}
