// Which files a Python program imports, as Python finds them: each edit of one runs the stage again. Python really runs.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { Project } from '../support/project.ts';
import { counting, oneStage } from './one-stage.ts';

const hasPython = spawnSync('python3', ['--version']).status === 0;

/** Modules that only have to be there. */
const empty = (...files: string[]): Record<string, string> =>
  Object.fromEntries(files.map((file) => [file, '']));

describe.runIf(hasPython)('a Python module (needs python3) counts', () => {
  it.each<[what: string, cmd: string, files: Record<string, string>]>([
    [
      'imported from beside the script',
      'python3 src/x.py',
      { 'src/x.py': 'import m\n', ...empty('src/m.py') },
    ],
    [
      'in every form of import',
      'python3 x.py',
      {
        'x.py': `# -*- coding: utf-8 -*-
"""A docstring that says
import nothing
"""
import os, p.a as pa, m1; import m2
from p import (b, # a comment
    c as d,
)
from p.sub \\
    import e
from q import *
try: import m3
except ImportError: import gone
if os.name:
    import m4
def later():
    from m5 import x
    yield from later()
text = 'import str'; import m6
print(f"{os.environ.get("HOME", 'import')}" if False else '')
`.replace('f"{os.environ.get("HOME", \'import\')}"', 'f"{os.name} {os.sep!r:>{3}} {{import}}"'),
        'm5.py': 'x = 1\n',
        'q.py': 'import m7\n',
        'p/__init__.py': 'from . import f\nfrom .sub import g\nfrom .h import (i)\n',
        'p/h.py': 'i = 1\nfrom .. import nothing if False else None\n'.split('from ..')[0]!,
        'p/sub/__init__.py': '',
        'p/sub/e.py': 'from ..k import l\nfrom ... import far\n'.split('from ...')[0]!,
        'p/k.py': 'l = 1\n',
        ...empty(
          'p/a.py',
          'p/b.py',
          'p/c.py',
          'p/f.py',
          'p/sub/g.py',
          'm1.py',
          'm2.py',
          'm3.py',
          'm4.py',
          'm6.py',
          'm7.py',
        ),
      },
    ],
    [
      'of a package without __init__.py',
      'python3 x.py',
      { 'x.py': 'import n.deep.m\nfrom n import o\n', ...empty('n/deep/m.py', 'n/o.py') },
    ],
    ['run with -m', 'python3 -m app', { 'app.py': 'import m\n', ...empty('m.py') }],
    [
      'run with -m from a package',
      'python3 -um pkg.sub',
      { 'pkg/sub.py': 'from . import m\n', ...empty('pkg/__init__.py', 'pkg/m.py') },
    ],
    [
      'run as a package with -m',
      'python3 -m pkg',
      { 'pkg/__main__.py': 'from .m import *\n', ...empty('pkg/__init__.py', 'pkg/m.py') },
    ],
    ['run as a folder', 'python3 pkg', { 'pkg/__main__.py': 'import m\n', ...empty('pkg/m.py') }],
    [
      'run after cd',
      'cd sub && python3 x.py && python3 -m y',
      { 'sub/x.py': 'import m\n', 'sub/y.py': 'import n\n', ...empty('sub/m.py', 'sub/n.py') },
    ],
    [
      'found by PYTHONPATH',
      'PYTHONPATH=src:"more modules" python3 -m app',
      { 'src/app.py': 'import m\n', ...empty('more modules/m.py') },
    ],
    [
      'found by an exported PYTHONPATH',
      'export PYTHONPATH="$PWD/src"\ncd sub\npython3 x.py',
      { 'sub/x.py': 'import m\n', ...empty('src/m.py') },
    ],
    [
      'found by sys.path',
      'python3 bin/x.py',
      {
        'bin/x.py': `import os, sys
from pathlib import Path
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'lib'))
sys.path.append(str(Path(__file__).resolve().parents[1] / 'vendor' / 'deep'))
sys.path += ['plain']
import a, b, c
`,
        ...empty('lib/a.py', 'vendor/deep/b.py', 'plain/c.py'),
      },
    ],
    [
      'imported by name',
      'python3 x.py',
      {
        'x.py': `import importlib, runpy, sys
importlib.import_module('p.one')
__import__('two')
importlib.import_module(f'models.{len(sys.argv)}'.replace('1', 'cnn'))
exec(open('three.py').read())
runpy.run_path('four.py')
`,
        ...empty(
          'p/__init__.py',
          'p/one.py',
          'two.py',
          'three.py',
          'four.py',
          'models/__init__.py',
          'models/cnn.py',
          'models/other.py',
        ),
      },
    ],
    [
      'started as a program',
      'python3 x.py',
      {
        'x.py': "import subprocess\nsubprocess.run(['python3', 'y.py'], check=True)\n",
        'y.py': 'import m\n',
        ...empty('m.py'),
      },
    ],
    ['in the text of -c', "python3 -c 'import m; from p import q'", empty('m.py', 'p/q.py')],
    ['in a here-document', 'python3 - <<EOF\nimport m\nEOF', empty('m.py')],
    ['read from a file', 'python3 < x.py', { 'x.py': 'import m\n', ...empty('m.py') }],
    [
      'started by its first line',
      'chmod +x run; ./run',
      { run: '#!/usr/bin/env python3\nimport m\n', ...empty('m.py') },
    ],
    ['without an ending', 'python3 run', { run: 'import m\n', ...empty('m.py') }],
    [
      'run by a script of the shell',
      'sh run.sh',
      { 'run.sh': 'cd sub\npython3 x.py\n', 'sub/x.py': 'import m\n', ...empty('sub/m.py') },
    ],
    ['given as a dependency', 'python3 ${deps.script}', { 'x.py': 'import m\n', ...empty('m.py') }],
    [
      'with CRLF, a BOM and tabs',
      'python3 x.py',
      { 'x.py': '\uFEFFif True:\r\n\timport m\r\nimport \\\r\n n\r\n', ...empty('m.py', 'n.py') },
    ],
  ])('%s', async (_, cmd, files) => {
    const declared = cmd.includes('${deps.script}');
    const project = await oneStage(cmd, files, declared ? '    deps: { script: x.py }\n' : '');
    const expected = Object.keys(files).filter((file) => !declared || file !== 'x.py');
    expect(await counting(project, expected)).toEqual(expected);
  });
});

describe.runIf(hasPython)('an import (needs python3)', () => {
  it('in a comment, a docstring or a text counts for nothing', async () => {
    const project = await oneStage('python3 x.py', {
      'x.py': `# import m
"""
import m
"""
a = 'import m'
b = """
from m import x
"""
c = r'\\x'; d = "import m"
`,
      'm.py': '',
    });
    expect(await counting(project, ['x.py', 'm.py'])).toEqual(['x.py']);
  });

  it('is found anew when a file appears that Python prefers', async () => {
    const project = await oneStage(
      'python3 x.py > ${outs.o}',
      {
        'x.py': "import sys; sys.path.append('lib')\nimport m\nprint(m.__file__)\n",
        'lib/m.py': '',
      },
      '    outs: { o: o.txt }\n',
    );
    await project.repro();
    await project.write('m.py', '');
    expect((await project.repro()).summary.executed).toEqual(['a']);
    expect(await project.read('o.txt')).toBe(`${project.path('m.py')}\n`);
    await project.write('m/__init__.py', '');
    expect((await project.repro()).summary.executed).toEqual(['a']);
    await rename(project.path('m'), project.path('n'));
    await project.remove('m.py');
    expect((await project.repro()).summary.restored).toEqual(['a']);
    expect(await project.read('o.txt')).toBe(`${project.path('lib/m.py')}\n`);
  });

  it('of a module that a stage makes counts by what that stage makes', async () => {
    const project = await Project.create({
      'pipeline.yaml': `stages:
  make: { cmd: 'cp source.txt \${outs.m}', outs: { m: gen/m.py } }
  a: { cmd: 'python3 x.py > \${outs.o}', deps: [gen/m.py], outs: { o: o.txt } }
`,
      'params.yaml': '',
      'x.py': "import sys; sys.path.append('gen')\nfrom m import value\nprint(value)\n",
      'source.txt': 'value = 1\n',
    });
    expect((await project.repro()).summary.executed).toEqual(['make', 'a']);
    expect((await project.cli('status')).exitCode).toBe(0);
    await project.write('source.txt', 'value = 22\n');
    expect((await project.repro()).summary.executed).toEqual(['make', 'a']);
    expect(await project.read('o.txt')).toBe('22\n');
  });
});

describe.runIf(hasPython)("Python's cache of bytecode", () => {
  it('is no part of a dependency', async () => {
    const project = await oneStage(
      'python3 x.py > ${outs.o}',
      {
        'x.py': 'from lib.m import value\nprint(value)\n',
        'lib/m.py': 'value = 1\n',
        'lib/sub/__init__.py': '',
      },
      '    deps: [lib]\n    outs: { o: o.txt }\n',
    );
    delete process.env.PYTHONDONTWRITEBYTECODE;
    for (const value of [1, 22, 333]) {
      await project.write('lib/m.py', `value = ${value}\n`);
      expect((await project.repro()).summary.executed).toEqual(['a']);
      expect(await project.read('o.txt')).toBe(`${value}\n`);
      expect((await project.cli('status')).exitCode).toBe(0);
    }
    expect(existsSync(project.path('lib/__pycache__'))).toBe(true);
    await project.remove('lib/__pycache__');
    expect((await project.cli('status')).exitCode).toBe(0);
  });
});
