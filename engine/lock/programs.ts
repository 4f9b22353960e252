// Programs: what stages have in common that run the same code. pipeline.lock has each once, and blocks name it by its hash.
import { createHash } from 'node:crypto';
import { byCodeUnit } from '../order.ts';
import { type Entries, type Entry, entryOf } from './entries.ts';
import type { LockedFingerprint } from './locked-fingerprint.ts';

/** The fields of a fingerprint that a program stands for. */
export type ProgramFields = Pick<LockedFingerprint, 'code' | 'packages' | 'environment'>;

/** A program and all that it needs from the tables. */
export interface Program {
  readonly name: string;
  readonly code: readonly Entry[];
  readonly packages: readonly Entry[];
  readonly environment: ProgramFields['environment'];
}

/** A program as the file has it. */
export interface WrittenProgram {
  readonly part: string;
  /** Its entries in the tables; absent if there are none. */
  readonly code?: string;
  readonly packages?: string;
  readonly environment: ProgramFields['environment'];
}

export const isProgram = (value: object): value is WrittenProgram =>
  'part' in value && 'environment' in value && typeof value.environment === 'object';

/** Hexadecimal digits of a part's name: what tells the parts of one lock apart. */
const nameLength = 12;

/** Names what blocks share by its content, so that it has the same name in every branch. */
export const partName = (text: string): string =>
  createHash('sha256').update(text).digest('hex').slice(0, nameLength);

const nameOf = ({ code, packages, environment }: ProgramFields): string =>
  partName(JSON.stringify([code, packages, environment].map(sorted)));

const sorted = (entries: Readonly<Record<string, string>>): [string, string][] =>
  Object.entries(entries).sort(([a], [b]) => byCodeUnit(a, b));

/** Makes the programs of fingerprints, the same one for the same fields. */
export class Programs {
  readonly #known = new Map<string, Program>();

  of(fields: ProgramFields): Program | undefined {
    const name = nameOf(fields);
    let program = this.#known.get(name);
    if (program === undefined) {
      const entries = (kind: Entry['kind']): Entry[] =>
        sorted(fields[kind]).map(([name, value]) => entryOf(kind, name, value));
      const environment = Object.fromEntries(sorted(fields.environment));
      program = { name, code: entries('code'), packages: entries('packages'), environment };
      this.#known.set(name, program);
    }
    const { code, packages, environment } = program;
    return code.length + packages.length + Object.keys(environment).length === 0 ? undefined : program;
  }
}

/** The program as the file has it, beside these entries. */
export function writtenProgram(
  { name, code, packages, environment }: Program,
  entries: Entries,
): WrittenProgram {
  return {
    part: name,
    ...(code.length === 0 ? {} : { code: entries.write(code) }),
    ...(packages.length === 0 ? {} : { packages: entries.write(packages) }),
    environment,
  };
}

/** What a program stands for; undefined if entries are missing. */
export function readProgram(
  { part, code = '', packages = '', environment }: WrittenProgram,
  entries: Entries,
): ProgramFields | undefined {
  const readings = (kind: Entry['kind'], list: string): Iterable<readonly Entry[]> =>
    list === '' ? [[]] : entries.read(kind, list);
  for (const files of readings('code', code))
    for (const versions of readings('packages', packages)) {
      const fields = { code: record(files), packages: record(versions), environment };
      if (nameOf(fields) === part) return fields;
    }
  return undefined;
}

const record = (entries: readonly Entry[]): Record<string, string> =>
  Object.fromEntries(entries.map(({ name, value }) => [name, value]));
