// What a result depends on besides its inputs: Node's major version, environment facts, and variables of the process by their hash.
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Failure, SourcePosition } from '../failure.ts';
import { importErrorText, importProjectModule } from '../project-module.ts';
import { fail, type Result, succeed } from '../result.ts';
import type { Fingerprint } from './fingerprint.ts';
import { variableHash } from './variable-hash.ts';

/** Default export of a module under `environment:` in pipeline.yaml. */
export type FactModule = (request: FactRequest) => Promise<string>;

export interface FactRequest {
  /** Whether to install what is missing; otherwise the module only looks. */
  readonly setup: boolean;
  /** Says a line to the user. */
  readonly report: (line: string) => void;
}

/** Finds each fact once, when it is first asked for. */
export class Environment {
  readonly #root: string;
  readonly #modules: Readonly<Record<string, string>>;
  readonly #request: FactRequest;
  readonly #facts = new Map<string, Promise<string>>();
  readonly #hashes = new Map<string, Promise<string>>();

  constructor(root: string, modules: Readonly<Record<string, string>>, request: FactRequest) {
    this.#root = root;
    this.#modules = modules;
    this.#request = request;
  }

  /**
   * Finds all `names`, so that one that can't be had is known before anything starts.
   * @param positionOf where pipeline.yaml names a fact's module
   */
  async check(names: Iterable<string>, positionOf: (name: string) => SourcePosition): Promise<Result<void>> {
    const found = await Promise.all(
      [...new Set(names)].filter(this.#isFact).map((name) =>
        this.#fact(name).then(
          () => undefined,
          (error: unknown): Failure => ({
            reason: 'environment',
            name,
            message: importErrorText(error, this.#root),
            position: positionOf(name),
          }),
        ),
      ),
    );
    const failures = found.filter((failure) => failure !== undefined);
    return failures.length === 0 ? succeed(undefined) : fail(...failures);
  }

  /** What a fingerprint holds of `names`, and Node's major version if the stage runs Node. */
  async of(
    names: readonly string[],
    runsNode: boolean,
  ): Promise<Pick<Fingerprint, 'environment' | 'variables'>> {
    const facts = names.filter(this.#isFact);
    const values = await Promise.all(facts.map((name) => this.#fact(name)));
    const variables = names.filter((name) => !this.#isFact(name));
    const hashes = await Promise.all(variables.map((name) => this.#hash(name)));
    const node = runsNode ? { node: process.versions.node.split('.')[0]! } : {};
    return {
      environment: { ...node, ...Object.fromEntries(facts.map((name, i) => [name, values[i]!])) },
      ...(variables.length === 0
        ? {}
        : { variables: Object.fromEntries(variables.map((name, i) => [name, hashes[i]!])) }),
    };
  }

  /** The values themselves, for the command. A variable that is not set has none. */
  async values(names: readonly string[]): Promise<Record<string, string>> {
    const found = await Promise.all(
      names.map(async (name) => [name, this.#isFact(name) ? await this.#fact(name) : process.env[name]]),
    );
    return Object.fromEntries(found.filter(([, value]) => value !== undefined));
  }

  readonly #isFact = (name: string): boolean => Object.hasOwn(this.#modules, name);

  async #hash(name: string): Promise<string | null> {
    const value = process.env[name];
    if (value === undefined) return null;
    const hash = this.#hashes.get(name) ?? variableHash(name, value);
    this.#hashes.set(name, hash);
    return hash;
  }

  #fact(name: string): Promise<string> {
    let value = this.#facts.get(name);
    if (value === undefined) {
      value = this.#find(this.#modules[name]!);
      value.catch(() => undefined); // whoever waits for it sees the error
      this.#facts.set(name, value);
    }
    return value;
  }

  async #find(module: string): Promise<string> {
    if (!existsSync(resolve(this.#root, module))) throw new Error(`there is no file \`${module}\``);
    const { default: find } = await importProjectModule<{ default?: FactModule }>(this.#root, module);
    if (typeof find !== 'function') throw new Error(`${module} does not export a function as its default`);
    const value: unknown = await find(this.#request);
    if (typeof value === 'string') return value;
    throw new Error(
      `${module} gave ${value === null ? 'null' : `a value of type ${typeof value}`}, not a text`,
    );
  }
}
