// What a YAML file says is what stages get: a value is passed on exactly, or rejected in its line.
import { mkdir, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { Project } from '../support/project.ts';

const pipeline = `stages:
  show:
    cmd: cat "$RODADA_STAGE" > \${outs.shown}
    params: [value]
    outs: { shown: shown.json }
`;

const project = (params: string): Promise<Project> =>
  Project.create({ 'pipeline.yaml': pipeline, 'params.yaml': params });

/** The parameter `value` as the stage got it. */
async function passedOn(params: string, ...args: string[]): Promise<unknown> {
  const tried = await project(params);
  const { exitCode, stdout } = await tried.cli('repro', ...args);
  expect({ exitCode, stdout }).toMatchObject({ exitCode: 0 });
  return JSON.parse(await tried.read('shown.json')).params.value;
}

async function rejected(params: string, ...args: string[]): Promise<string> {
  const tried = await project(params);
  const { exitCode, stdout, stderr } = await tried.cli('repro', ...args);
  expect({ exitCode, stderr, stdout }).toMatchObject({ exitCode: 2, stderr: '' });
  return stdout;
}

describe('a value that JSON holds', () => {
  it.each<[string, unknown]>([
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
    ['-9007199254740991', Number.MIN_SAFE_INTEGER],
    ['0.1', 0.1],
    ['1.10', 1.1],
    ['1e-7', 1e-7],
    ['1.5e+300', 1.5e300],
    ['0.000', 0],
    ['0x1f', 31],
    ['0o17', 15],
    ['+12', 12],
    ['1_000', '1_000'],
    ['1:30', '1:30'],
    ['2026-01-01', '2026-01-01'],
    ['yes', 'yes'],
    ['"9007199254740993"', '9007199254740993'],
    ['".inf"', '.inf'],
    ['!!str 017', '017'],
    ['"é 車 🚗"', 'é 車 🚗'],
    [
      '{ constructor: 1, toString: 2, hasOwnProperty: 3 }',
      { constructor: 1, toString: 2, hasOwnProperty: 3 },
    ],
    ['{ 2020: a, true: b }', { 2020: 'a', true: 'b' }],
    ['{ "<<": { a: 1 } }', { '<<': { a: 1 } }],
  ])('reaches the stage as it is: %s', async (text, value) => {
    expect(await passedOn(`value: ${text}\n`)).toEqual(value);
    expect(await passedOn('value: 0\n', '--set', `value=${text}`)).toEqual(value);
  });

  it('may be merged from other mappings, whose keys it overrides wherever the merge key is', async () => {
    const params = `base: &base { rate: 1, size: 2 }
other: &other { size: 3, depth: 4 }
value:
  one: { size: 9, <<: *base }
  all: { <<: [*base, *other], rate: 8 }
  again: { !!merge <<: { rate: 5 } }
`;
    expect(await passedOn(params)).toEqual({
      one: { size: 9, rate: 1 },
      all: { rate: 8, size: 2, depth: 4 },
      again: { rate: 5 },
    });
  });

  it('may be an anchor that is used hundreds of times', async () => {
    const list = Array.from({ length: 500 }, () => '*one').join(', ');
    expect(await passedOn(`one: &one { a: 1 }\nvalue: [${list}]\n`)).toHaveLength(500);
  });

  it('is read after a byte order mark, and with line ends of Windows', async () => {
    expect(await passedOn('\uFEFFvalue: |\r\n  a\r\n  b\r\nlast: 1\r\n')).toBe('a\nb\n');
  });
});

describe('a value that JSON does not hold', () => {
  it.each([
    ['9007199254740993', 'The integer 9007199254740993 is beyond ±(2^53 − 1), so it would be rounded.'],
    ['-9007199254740993', 'The integer -9007199254740993 is beyond ±(2^53 − 1), so it would be rounded.'],
    ['0x1fffffffffffff1', 'The integer 0x1fffffffffffff1 is beyond ±(2^53 − 1), so it would be rounded.'],
    ['.inf', '.inf is not a number that JSON can hold.'],
    ['-.Inf', '-.Inf is not a number that JSON can hold.'],
    ['.nan', '.nan is not a number that JSON can hold.'],
    ['1e400', 'The number 1e400 is too large.'],
    ['1e-400', 'The number 1e-400 has more digits than a double holds; it would be rounded to 0.'],
    [
      '1234567890.12345678901',
      'The number 1234567890.12345678901 has more digits than a double holds; it would be rounded to 1234567890.1234567.',
    ],
    ['-0', "JSON can't tell -0 from 0."],
    ['-0.0', "JSON can't tell -0.0 from 0."],
    ['017', '017 is ambiguous: 17 in YAML 1.2, but octal in YAML 1.1.'],
    ['!!binary aGk=', 'The tag `!!binary` is not supported.'],
    ['!!timestamp 2001-01-01', 'The tag `!!timestamp` is not supported.'],
    ['!!set { a }', 'The tag `!!set` is not supported.'],
    ['!car { a: 1 }', 'The tag `!car` is not supported.'],
    ['!replace { a: 1 }', 'The tag `!replace` is not supported.'],
    ['!!bool yes', "This value doesn't have the type of its tag `!!bool`."],
    ['"a\\0b"', 'This text contains the character NUL, which no command can receive.'],
    ['"\\uD800"', 'This text contains half of a surrogate pair, which is not a character.'],
    ['{ null: 1 }', 'A key must be text, not null.'],
    ['{ 1.0: a }', 'The key `1.0` is the number 1, and keys are text.'],
    ['{ 010: a }', '010 is ambiguous: 10 in YAML 1.2, but octal in YAML 1.1.'],
    ['{ True: a }', 'The key `True` is the boolean true, and keys are text.'],
    ['{ [a, b]: c }', 'A key must be text, not a list, a mapping or an alias.'],
    ['{ 1: a, "1": b }', 'Duplicate key `1`.'],
    ['{ __proto__: { a: 1 } }', 'JavaScript reserves the key `__proto__`.'],
    ['{ <<: 3 }', 'The merge key `<<` takes a mapping, or a list of them.'],
    ['{ <<: { a: 1 }, <<: { b: 1 } }', 'Duplicate key `<<`.'],
    ['*nothing', 'No anchor `&nothing` precedes this alias.'],
    ['&self [*self]', 'The alias `*self` is inside its own anchor.'],
    ['{ a: 1, a: 2 }', 'Duplicate key `a`.'],
  ])('is rejected in its line: %s', async (text, message) => {
    const shown = await rejected(`first: 1\nvalue: ${text}\n`);
    expect(shown).toMatch(/^params\.yaml:2:\d+ error: /);
    expect(shown).toContain(` error: ${message}\n  2 │ value: ${text}\n`);
    const set = await rejected('value: 0\n', '--set', `value=${text}`);
    expect(set).toContain(`error: \`--set value=${text}\`: ${message}\n`);
  });

  it('is shown where it is, with the next step', async () => {
    expect(await rejected('value:\n  - 1\n  - 9007199254740993\n')).toBe(
      `params.yaml:3:5 error: The integer 9007199254740993 is beyond ±(2^53 − 1), so it would be rounded.
  3 │   - 9007199254740993
    │     ^^^^^^^^^^^^^^^^
Quote it, \`"9007199254740993"\`, to pass it as text.
`,
    );
  });

  it('is rejected in pipeline.yaml and in a profile, too', async () => {
    const tried = await project('value: 0\n');
    await tried.write('profiles/big.yaml', 'value: .nan\n');
    expect((await tried.cli('status', '--profile', 'big')).stdout).toContain(
      'profiles/big.yaml:1:8 error: .nan is not a number that JSON can hold.',
    );
    await tried.write('pipeline.yaml', `vars: { big: 12345678901234567890 }\n${pipeline}`);
    expect((await tried.cli('status')).stdout).toContain(
      'pipeline.yaml:1:14 error: The integer 12345678901234567890 is beyond',
    );
  });

  it('is a file that aliases blow up', async () => {
    const levels = 'bcdefghij'.split('').map((name, i) => {
      const below = `*${'abcdefghij'[i]!}`;
      return `${name}: &${name} [${Array.from({ length: 9 }, () => below).join(', ')}]`;
    });
    expect(await rejected(`a: &a [1]\n${levels.join('\n')}\nvalue: 0\n`)).toContain(
      'error: The aliases of this file expand to more than 1000000 values.',
    );
  });

  it('is a list in lists in lists', async () => {
    const deep = '['.repeat(20_000) + ']'.repeat(20_000);
    expect(await rejected(`value: ${deep}\n`)).toContain('error: The values are nested too deeply.');
  });

  it.each([
    [
      '---\nvalue: 1\n---\nvalue: 2\n',
      'params.yaml:3:1 error: A second YAML document begins here; only one is read.',
    ],
    ['%YAML 1.1\n---\nvalue: yes\n', 'params.yaml:1:1 error: Only YAML 1.2 is supported.'],
    ['value: a\u0007b\n', 'params.yaml:1:9 error: YAML does not allow the control character U+0007 here.'],
    ['value: a\0b\n', 'params.yaml:1:9 error: YAML does not allow the control character U+0000 here.'],
  ])('is not read in part: %j', async (params, message) => {
    expect(await rejected(params)).toContain(message);
  });
});

describe('a file in another encoding', () => {
  async function status(bytes: Buffer): Promise<string> {
    const tried = await project('');
    await writeFile(tried.path('params.yaml'), bytes);
    const { exitCode, stdout, stderr } = await tried.cli('status');
    expect({ exitCode, stderr, stdout }).toMatchObject({ exitCode: 2, stderr: '' });
    return stdout;
  }

  it('is rejected at its first byte that is not UTF-8', async () => {
    expect(await status(Buffer.from('first: 1\nvalue: café\n', 'latin1'))).toBe(
      `params.yaml:2:11 error: The byte 0xE9 is not valid UTF-8.
  2 │ value: caf\uFFFD
    │           ^
Save params.yaml as UTF-8. If it is Latin-1: \`iconv -f LATIN1 -t UTF-8\`.
`,
    );
  });

  it.each([
    ['UTF-16', Buffer.from('\uFEFFvalue: 1\n', 'utf16le')],
    ['UTF-16', Buffer.from('\uFEFFvalue: 1\n', 'utf16le').swap16()],
    ['UTF-16', Buffer.from('value: 1\n', 'utf16le')],
    ['UTF-32', Buffer.from([0xff, 0xfe, 0, 0, 0x76, 0, 0, 0])],
  ])('is rejected by its name: %s', async (name, bytes) => {
    expect(await status(bytes)).toContain(`error: params.yaml is ${name}, and must be UTF-8.\n`);
  });
});

describe('a file that can not be read', () => {
  it('is said to be a folder', async () => {
    const tried = await project('value: 1\n');
    await mkdir(tried.path('profiles/own.yaml'), { recursive: true });
    expect((await tried.cli('status', '--profile', 'own')).stdout).toBe(
      'error: profiles/own.yaml: It is a folder, not a file.\n',
    );
  });
});

describe('a list', () => {
  it('has elements only, so `length` is no parameter that --set can shorten it with', async () => {
    expect(await rejected('value: [1, 2]\n', '--set', 'value.length=0')).toContain(
      'there is no parameter `value.length`',
    );
  });
});

describe('a parameter with the name of a method', () => {
  it('is one like any other, and its change a reason', async () => {
    const tried = await Project.create({
      'pipeline.yaml': pipeline.replace('[value]', '[constructor, toString]'),
      'params.yaml': 'constructor: 1\ntoString: 2\n',
    });
    expect((await tried.repro()).summary.executed).toEqual(['show']);
    await tried.write('pipeline.yaml', pipeline.replace('[value]', '[toString]'));
    await tried.write('params.yaml', 'toString: 3\n');
    expect((await tried.cli('status')).stdout).toContain(
      'show would run (constructor 1 → —; toString 2 → 3)',
    );
    expect((await tried.repro()).summary.executed).toEqual(['show']);
    await tried.write('pipeline.yaml', pipeline.replace('[value]', '[constructor]'));
    await tried.write('params.yaml', 'constructor: 1\n');
    expect((await tried.cli('why', 'show')).stdout).toContain('constructor — → 1');
  });
});

describe('freeze', () => {
  it('keeps the byte order mark, and does not claim to have thawed what a merged mapping freezes', async () => {
    const tried = await project('value: 1\n');
    await tried.write('pipeline.yaml', `\uFEFF${pipeline}`);
    expect((await tried.cli('freeze', 'show')).exitCode).toBe(0);
    expect(await tried.read('pipeline.yaml')).toBe(
      `\uFEFF${pipeline.replace('  show:\n', '  show:\n    frozen: true\n')}`,
    );
    await tried.write(
      'pipeline.yaml',
      `vars: { base: &base { frozen: true } }\n${pipeline.replace('  show:\n', '  show:\n    <<: *base\n')}`,
    );
    const thawed = await tried.cli('unfreeze', 'show');
    expect(thawed.exitCode).toBe(2);
    expect(thawed.stdout).toContain("`show` can't be changed in place");
  });
});
