// What a result depends on besides its inputs: Node's major version, environment facts and variables of the process.
import { importProjectModule } from '../project-module.ts';

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

  constructor(root: string, modules: Readonly<Record<string, string>>, request: FactRequest) {
    this.#root = root;
    this.#modules = modules;
    this.#request = request;
  }

  /** Names and values of Node's major version and of all `names`. */
  async of(names: readonly string[]): Promise<Record<string, string>> {
    const values = await Promise.all(names.map((name) => this.#value(name)));
    const node = process.versions.node.split('.')[0]!;
    return { node, ...Object.fromEntries(names.map((name, i) => [name, values[i]!])) };
  }

  #value(name: string): Promise<string> {
    let value = this.#facts.get(name);
    if (value === undefined) {
      value = this.#find(name);
      value.catch(() => undefined); // whoever waits for it sees the error
      this.#facts.set(name, value);
    }
    return value;
  }

  async #find(name: string): Promise<string> {
    const module = this.#modules[name];
    if (module === undefined) return process.env[name] ?? '';
    const { default: find } = await importProjectModule<{ default: FactModule }>(this.#root, module);
    return find(this.#request);
  }
}
