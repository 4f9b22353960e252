// A block as pipeline.lock has it: without what its program, the parts and the outputs of other blocks tell.
import type { LockBlock } from '../lock-file.ts';
import { normalizePath } from '../plan/project-paths.ts';
import { contentOfIdentity, identityOf } from '../store/content.ts';
import { isKnown, withUnknown } from '../varying.ts';
import { type LockedFingerprint, unknownContent } from './locked-fingerprint.ts';
import type { ProgramFields } from './programs.ts';

type Mapping = Readonly<Record<string, unknown>>;
type LockedOut = LockBlock['outs'][string];

/** A dependency: paths of outputs that the lock knows with the same content, or path → hash, null for such an output. */
type WrittenDep = string | readonly string[] | Readonly<Record<string, string | null>>;

/** Path → hash, size and, of a directory, the number of its files; or all fields if there is more to say. */
type WrittenOut = Mapping;

export interface WrittenBlock {
  readonly stage: string;
  readonly key: string;
  readonly cmd: LockedFingerprint['cmd'];
  readonly shell?: string | undefined;
  readonly wdir?: string | undefined;
  /** Name of its program; absent if it has none. */
  readonly program?: string | undefined;
  /** A mapping, or the name of the part that holds a long one. */
  readonly params?: Mapping | string | undefined;
  readonly matrix?: Mapping | string | undefined;
  readonly deps?: Readonly<Record<string, WrittenDep>> | undefined;
  readonly variables?: LockedFingerprint['variables'];
  readonly varyingInputs?: readonly string[] | undefined;
  /** Version of the fingerprint, if it is not the present one. */
  readonly format?: number | undefined;
  /** Paths of outputs as pipeline.yaml had them, if these are not the paths in `outs`. */
  readonly declared?: Readonly<Record<string, string>> | undefined;
  readonly outs: Readonly<Record<string, WrittenOut>>;
}

const format = 2;

export const isWrittenBlock = (value: object): value is WrittenBlock => {
  const { stage, key, outs, cmd } = value as Partial<WrittenBlock>;
  return (
    typeof stage === 'string' &&
    typeof key === 'string' &&
    typeof outs === 'object' &&
    outs !== null &&
    (typeof cmd === 'string' || Array.isArray(cmd))
  );
};

/** What names the content of outputs, by path; null if two blocks say different things. */
export type KnownOuts = ReadonlyMap<string, string | null>;

export function knownOuts(blocks: Iterable<Pick<LockBlock, 'outs'>>): KnownOuts {
  const known = new Map<string, string | null>();
  for (const { outs } of blocks)
    for (const out of Object.values(outs)) {
      if (!isKnown(out)) continue;
      const content = identityOf(out);
      known.set(out.path, (known.get(out.path) ?? content) === content ? content : null);
    }
  return known;
}

const nonEmpty = <T extends object>(value: T): T | undefined =>
  Object.keys(value).length === 0 ? undefined : value;

/** Puts a long mapping into a part, and names that instead. */
export type Share = (mapping: Mapping) => Mapping | string;

export function writtenBlock(
  { stage, key, fingerprint, varyingInputs, outs }: LockBlock,
  { program, share, known }: { program: string | undefined; share: Share; known: KnownOuts },
): WrittenBlock {
  const { cmd, shell, wdir, params, matrix, deps, variables } = fingerprint;
  const paths = Object.fromEntries(Object.entries(outs).map(([name, { path }]) => [name, path]));
  const hasSamePaths = JSON.stringify(paths) === JSON.stringify(fingerprint.outs);
  const writtenDeps = Object.entries(deps).map(([name, hashes]) => [name, writtenDep(hashes, known)]);
  const writtenOuts = Object.entries(outs).map(([name, out]) => [name, writtenOut(out)]);
  return {
    stage,
    key,
    cmd,
    shell,
    wdir,
    program,
    params: nonEmpty(params) && share(params),
    matrix: nonEmpty(matrix) && share(matrix),
    deps: nonEmpty(Object.fromEntries(writtenDeps)),
    variables,
    varyingInputs,
    format: fingerprint.format === format ? undefined : fingerprint.format,
    declared: hasSamePaths ? undefined : fingerprint.outs,
    outs: Object.fromEntries(writtenOuts),
  };
}

function writtenDep(hashes: Readonly<Record<string, string>>, known: KnownOuts): WrittenDep {
  const entries = Object.entries(hashes).map(
    ([path, hash]) => [path, known.get(path) === hash ? null : hash] as const,
  );
  if (entries.length === 0 || entries.some(([, hash]) => hash !== null)) return Object.fromEntries(entries);
  return entries.length === 1 ? entries[0]![0] : entries.map(([path]) => path);
}

function writtenOut(out: LockedOut): WrittenOut {
  const { path, type, hash, size, files, ...more } = out;
  if (!isKnown(out)) return { path, cache: out.cache, varies: out.varies };
  if (nonEmpty(more) !== undefined)
    return {
      path,
      type: type === 'file' ? undefined : type,
      hash,
      size,
      files: files === 1 ? undefined : files,
      ...more,
    };
  return { [path]: `${identityOf(out)} ${size}${type === 'directory' ? ` ${files}` : ''}` };
}

/** The outputs of a block; undefined if one can't be read. */
export function readOuts(written: Readonly<Record<string, WrittenOut>>): LockBlock['outs'] | undefined {
  const outs: Record<string, LockedOut> = {};
  for (const [name, each] of Object.entries(written)) {
    const out = readOut(each);
    if (out === undefined) return undefined;
    // An older version may have written the path in another form.
    outs[name] = { ...out, path: normalizePath(out.path) };
  }
  return outs;
}

function readOut(out: WrittenOut): LockedOut | undefined {
  if (typeof out !== 'object' || out === null) return undefined;
  const [[first, text] = ['', ''], ...others] = Object.entries(out);
  if (others.length === 0) {
    const [, identity, size, files = '1'] = /^(\w+[*/]?) (\d+)(?: (\d+))?$/.exec(String(text)) ?? [];
    if (identity === undefined) return undefined;
    return { path: first, ...contentOfIdentity(identity), size: Number(size), files: Number(files) };
  }
  const { path, type = 'file', hash, size, files = 1, ...more } = out as unknown as LockedOut;
  if (typeof path !== 'string') return undefined;
  if (hash === undefined) return more.varies === true ? withUnknown({ path, ...more }) : undefined;
  return { path, type, hash, size, files, ...more };
}

/**
 * The block that was written, with what the rest of the file tells.
 * @param value the mapping that a part holds
 * @returns undefined if a part is missing
 */
export function readBlock(
  written: WrittenBlock,
  outs: LockBlock['outs'],
  {
    program,
    value,
    known,
  }: { program: ProgramFields; value: (part: string) => Mapping | undefined; known: KnownOuts },
): LockBlock | undefined {
  const mapping = (field: Mapping | string = {}): Mapping | undefined =>
    typeof field === 'string' ? value(field) : field;
  const [params, matrix] = [mapping(written.params), mapping(written.matrix)];
  if (params === undefined || matrix === undefined) return undefined;
  const { stage, key, cmd, shell, wdir, variables, varyingInputs, deps = {}, declared } = written;
  const fingerprint: LockedFingerprint = {
    format: (written.format ?? format) as typeof format,
    cmd,
    ...(shell === undefined ? {} : { shell }),
    code: program.code,
    packages: program.packages,
    params,
    matrix: matrix as LockedFingerprint['matrix'],
    deps: Object.fromEntries(Object.entries(deps).map(([name, dep]) => [name, readDep(dep, known)])),
    outs: declared ?? Object.fromEntries(Object.entries(outs).map(([name, { path }]) => [name, path])),
    environment: program.environment,
    ...(variables === undefined ? {} : { variables }),
    ...(wdir === undefined ? {} : { wdir }),
  };
  return { stage, key, fingerprint, ...(varyingInputs === undefined ? {} : { varyingInputs }), outs };
}

/** Path → hash. */
function readDep(dep: WrittenDep, known: KnownOuts): Record<string, string> {
  const paths: readonly (readonly [string, string | null])[] =
    typeof dep === 'string'
      ? [[dep, null]]
      : Array.isArray(dep)
        ? dep.map((path: string) => [path, null] as const)
        : Object.entries(dep as Readonly<Record<string, string | null>>);
  return Object.fromEntries(paths.map(([path, hash]) => [path, hash ?? known.get(path) ?? unknownContent]));
}
