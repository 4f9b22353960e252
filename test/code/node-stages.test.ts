// Node's version counts for stages that run Node, and for no others; a script of package.json counts as the command that it is.
import { chmod } from 'node:fs/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { Project } from '../support/project.ts';

const other = `--import=data:text/javascript,Object.defineProperty(process,'versions',{value:{...process.versions,node:'99.0.0'}})`;
const usual = process.env.NODE_OPTIONS;

afterEach(() => {
  if (usual === undefined) delete process.env.NODE_OPTIONS;
  else process.env.NODE_OPTIONS = usual;
});

const projectOf = (cmd: string, files: Readonly<Record<string, string>> = {}): Promise<Project> =>
  Project.create({
    'params.yaml': '{}\n',
    'pipeline.yaml': `stages:\n  s:\n    cmd: ${JSON.stringify(cmd)}\n    outs: { o: o.txt }\n`,
    'main.mjs': "import { writeFileSync } from 'node:fs';\nwriteFileSync(process.argv[2], '1');\n",
    ...files,
  });

/** Whether the stage is up to date to an engine that runs on another Node. */
async function isFreshOnAnotherNode(project: Project): Promise<boolean> {
  const { exitCode, events } = await project.repro();
  expect(exitCode, JSON.stringify(events)).toBe(0);
  process.env.NODE_OPTIONS = other;
  const status = await project.cli('status');
  expect(status.stderr).toBe('');
  return status.exitCode === 0;
}

describe("Node's major version", () => {
  it.each([
    ['a shell command', 'echo 1 > ${outs.o}'],
    ['a shell script', 'sh run.sh ${outs.o}'],
    ['a Python script', 'python3 run.py ${outs.o}'],
  ])('does not count for %s', async (_, cmd) => {
    const project = await projectOf(cmd, {
      'run.sh': 'echo 1 > "$1"\n',
      'run.py': "import sys\nopen(sys.argv[1], 'w').write('1')\n",
    });
    expect(await isFreshOnAnotherNode(project)).toBe(true);
  });

  it.each([
    ['node', 'node main.mjs ${outs.o}'],
    ['node without a script', 'node -p 1 > ${outs.o}'],
    ['node by its path', `${process.execPath} main.mjs \${outs.o}`],
    ['tsx', 'npx tsx main.mjs ${outs.o}'],
    ['a script that names node in its first line', './run ${outs.o}'],
    ['a shell script that runs node', 'sh run.sh ${outs.o}'],
    ['a script of package.json', 'npm run --silent make ${outs.o}'],
    ['a command of a package', 'esbuild --version > ${outs.o}'],
  ])('counts for %s', async (_, cmd) => {
    const project = await projectOf(cmd, {
      'run.sh': 'node main.mjs "$1"\n',
      run: "#!/usr/bin/env node\nrequire('fs').writeFileSync(process.argv[2], '1');\n",
      'package.json': '{ "scripts": { "make": "node main.mjs" } }',
    });
    await chmod(project.path('run'), 0o755);
    expect(await isFreshOnAnotherNode(project)).toBe(false);
  });
});

describe('a script of package.json', () => {
  const manifest = (make: string): string =>
    JSON.stringify({ scripts: { premake: 'true', make, other: 'true' } });

  it.each([
    ['npm run', 'npm run -s make -- ${outs.o}'],
    ['npm run-script', 'npm --silent run-script make ${outs.o}'],
  ])('counts with the code that it runs: %s', async (_, cmd) => {
    const project = await projectOf(cmd, { 'package.json': manifest('node main.mjs') });
    const ran = async (): Promise<number> => (await project.repro()).summary.executed.length;
    expect(await ran()).toBe(1);
    expect(await ran()).toBe(0);
    await project.edit('main.mjs', "'1'", "'2'");
    expect(await ran()).toBe(1);
    await project.write('package.json', manifest('node --no-warnings main.mjs'));
    expect(await ran()).toBe(1);
    await project.edit('package.json', '"premake":"true"', '"premake":"echo before"');
    expect(await ran()).toBe(1);
    await project.edit('package.json', '"other":"true"', '"other":"false"');
    expect(await ran()).toBe(0);
  });
});
