// What the paths of a project will hold when the stages foretold so far are brought up to date, as far as it is known.

import { posix } from 'node:path';
import type { LookUp, Workspace } from '../execute/workspace.ts';
import { unknownContent } from '../lock/locked-fingerprint.ts';
import type { Instance } from '../plan/instance.ts';
import { contentOfIdentity } from '../store/content.ts';
import { contentOfPart, contentWithin } from '../store/manifest.ts';
import type { Content } from '../store/tree.ts';
import { isKnown } from '../varying.ts';

/** What an instance reads that is not known yet. */
interface OpenInputs {
  /** Names of the instances that make it. */
  readonly stages: readonly string[];
  readonly paths: ReadonlySet<string>;
}

export class Prospect {
  readonly #workspace: Workspace;
  readonly #allowMissing: boolean;
  /** Path of an out → what it will hold. */
  readonly #expected = new Map<string, Content>();
  /** Instances whose outs are not known. */
  readonly #open = new Set<string>();

  /** @param allowMissing whether what is absent counts as what pipeline.lock says */
  constructor(workspace: Workspace, allowMissing: boolean) {
    this.#workspace = workspace;
    this.#allowMissing = allowMissing;
  }

  /** The instance's outs will be these. */
  expect(instance: Instance, outs: Readonly<Record<string, Content>>): void {
    for (const { name, path } of instance.outs) this.#expected.set(path, outs[name]!);
  }

  /** What the instance's outs will be is not known. */
  leaveOpen({ name }: Instance): void {
    this.#open.add(name);
  }

  /** Which of the instance's dependencies are not known yet. */
  async openInputs(instance: Instance): Promise<OpenInputs> {
    const stages = new Set<string>();
    const paths = new Set<string>();
    if (instance.frozen) return { stages: [], paths };
    const { outs } = this.#workspace.plan.graph;
    for (const path of instance.deps.flatMap((dep) => dep.paths)) {
      const makers = outs.makersOf(path);
      for (const name of makers) {
        // A folder that holds outs can be hashed only once these stand in it; a part of one, where its manifest is at hand.
        const assembled = outs.containing(path) === undefined && this.#isExpected(path, outs);
        if (!this.#open.has(name) && !assembled && (await this.#isKnown(path))) continue;
        stages.add(name);
        paths.add(path);
      }
    }
    return { stages: [...stages], paths };
  }

  /** What `path` will hold. */
  readonly lookUp: LookUp = async (path) => {
    const { plan, lookUp } = this.#workspace;
    const out = plan.graph.outs.containing(path)?.out;
    const expected = out && this.#expected.get(out.path);
    if (expected !== undefined) return this.#within(expected, posix.relative(out!.path, path));
    const content = (await this.#withoutLeftovers(path)) ?? (await lookUp(path));
    if (content !== undefined || !this.#allowMissing) return content;
    return this.#asLocked(path);
  };

  /** What a folder will hold when the leftovers in it are moved out; undefined if there are none. */
  async #withoutLeftovers(folder: string): Promise<Content | undefined> {
    const { plan, root, memo } = this.#workspace;
    if (plan.leftovers.inside(folder).length === 0) return undefined;
    const moving = (await this.#workspace.leftovers()).filter(({ edited }) => !edited);
    const leaves = (path: string): boolean =>
      moving.some((left) => path === left.path || path.startsWith(`${left.path}/`));
    const parts = await memo.targets.parts(root, folder);
    return contentOfPart(parts, (line) => (leaves(posix.join(folder, line[1])) ? undefined : line));
  }

  /** Whether a path below `folder` will be what it is not yet. */
  #isExpected(folder: string, outs: Workspace['plan']['graph']['outs']): boolean {
    return outs.inside(folder).some(({ out }) => this.#expected.has(out.path));
  }

  /** Whether something, or surely nothing, is known of `path`. */
  async #isKnown(path: string): Promise<boolean> {
    const out = this.#workspace.plan.graph.outs.containing(path)?.out;
    if (out === undefined || out.path === path || !(this.#expected.has(out.path) || this.#allowMissing))
      return true;
    return (await this.lookUp(path)) !== undefined;
  }

  /** What pipeline.lock says that `path` held: as an out of its maker, else as a dependency of whoever reads it. */
  async #asLocked(path: string): Promise<Content | undefined> {
    const { plan, lock } = this.#workspace;
    const made = plan.graph.outs.containing(path);
    if (made !== undefined) {
      const outs = Object.values(lock.blocks.get(made.maker)?.outs ?? {});
      const content = outs.find((out) => out.path === made.out.path);
      return content && this.#within(content, posix.relative(made.out.path, path));
    }
    for (const { fingerprint } of lock.blocks.values())
      for (const paths of Object.values(fingerprint.deps))
        if (paths[path] !== undefined && paths[path] !== unknownContent)
          return contentOfIdentity(paths[path]);
    return undefined;
  }

  /** What stands at `path` inside `content`; undefined where there is nothing, or its manifest is not in the store. */
  async #within(content: Content, path: string): Promise<Content | undefined> {
    if (path === '' || !isKnown(content)) return content;
    if (content.type !== 'directory') return undefined;
    return this.#workspace.objects.read(content, (parts) => contentWithin(parts, path));
  }
}
