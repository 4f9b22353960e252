// Parts pictures into a training and a validation side: whole groups on one side, each class near the wanted share.
import { UserError } from '../engine/stage.ts';
import { type Random, shuffle } from './random.ts';

/** What the split looks at. */
export interface Member {
  readonly class: string;
  readonly group: string;
}

/** Positions in the list of members, ascending. */
export interface Sides {
  readonly train: number[];
  readonly validation: number[];
}

/** A group: who belongs to it, and how many of each class. */
interface Group {
  readonly members: number[];
  readonly counts: number[];
  /** Groups with equal counts can stand for each other. */
  readonly kind: string;
}

/** Up to so many groups, all ways to part them are tried. */
const exhaustive = 12;

/** With more groups the search starts so many times, each time elsewhere; the best end counts. */
const restarts = 16;

/** What a class without a picture on one side costs: more than all shares being as wrong as can be. */
const emptyCost = 1000;

/**
 * Splits so that no group is parted and the validation share of every class is as near to `share` as the search finds.
 *
 * The squared errors of the classes' shares are added, so that small classes count as much as large ones. The least sum is
 * found by trying all ways where the groups are few. Otherwise, as in scikit-learn's StratifiedGroupKFold, groups come one by
 * one, here in random order, and each goes to the side where it keeps the classes' shares closest to the wanted ones among
 * the groups placed so far; then single groups move and pairs change sides as long as that brings the shares nearer (steepest
 * descent to a local optimum, also from random starts).
 *
 * @param share of each class that validates, between 0 and 1
 * @throws UserError when a class would have no picture on one of the sides
 */
export function stratifiedGroupSplit(members: readonly Member[], share: number, random: Random): Sides {
  const classes = [...new Set(members.map((member) => member.class))].sort();
  const groups = gather(members, classes);
  const totals = classes.map((_, c) => groups.reduce((sum, group) => sum + (group.counts[c] as number), 0));
  const validation =
    groups.length <= exhaustive
      ? tryAll(shuffle(groups, random), totals, share)
      : search(groups, totals, share, random);
  refuseEmptySides(classes, groups, validation, members);
  const positions = (inside: boolean) =>
    groups.flatMap((group) => (validation.has(group) === inside ? group.members : [])).sort((a, b) => a - b);
  return { train: positions(false), validation: positions(true) };
}

/** The groups in code-unit order of their names. */
function gather(members: readonly Member[], classes: readonly string[]): Group[] {
  const byName = new Map<string, number[]>();
  for (const [position, member] of members.entries()) {
    const group = byName.get(member.group);
    if (group === undefined) byName.set(member.group, [position]);
    else group.push(position);
  }
  const classIndex = new Map(classes.map((name, c) => [name, c]));
  const names = [...byName.keys()].sort();
  return names.map((name) => {
    const positions = byName.get(name) as number[];
    const counts = classes.map(() => 0);
    for (const position of positions) {
      const c = classIndex.get((members[position] as Member).class) as number;
      counts[c] = (counts[c] as number) + 1;
    }
    return { members: positions, counts, kind: counts.join() };
  });
}

/** Of equally good ways the first in the groups' order, which is random. */
function tryAll(groups: readonly Group[], totals: readonly number[], share: number): Set<Group> {
  let best = { bits: 0, cost: Number.POSITIVE_INFINITY };
  for (let bits = 0; bits < 2 ** groups.length; bits++) {
    const inside = totals.map((_, c) =>
      groups.reduce((sum, group, i) => sum + (bits & (1 << i) ? (group.counts[c] as number) : 0), 0),
    );
    const cost = costOf(inside, totals, share);
    if (cost < best.cost - 1e-12) best = { bits, cost };
  }
  return new Set(groups.filter((_, i) => best.bits & (1 << i)));
}

function search(
  groups: readonly Group[],
  totals: readonly number[],
  share: number,
  random: Random,
): Set<Group> {
  let best: { validation: Set<Group>; cost: number } | undefined;
  for (let start = 0; start < restarts; start++) {
    const validation =
      start % 2 === 0
        ? placeGreedily(shuffle([...groups], random), totals, share)
        : new Set(groups.filter(() => random.next() < share));
    const cost = improve(groups, validation, totals, share);
    if (best === undefined || cost < best.cost - 1e-12) best = { validation, cost };
  }
  return (best as NonNullable<typeof best>).validation;
}

/** @param inside pictures of each class that validate */
function costOf(inside: readonly number[], totals: readonly number[], share: number): number {
  let cost = 0;
  for (const [c, total] of totals.entries()) {
    const count = inside[c] as number;
    cost += (count / total - share) ** 2;
    if (count === 0 || count === total) cost += emptyCost;
  }
  return cost;
}

function placeGreedily(order: readonly Group[], totals: readonly number[], share: number): Set<Group> {
  const validation = new Set<Group>();
  const placed = totals.map(() => 0);
  const inside = totals.map(() => 0);
  for (const group of order) {
    let without = 0;
    let within = 0;
    for (const [c, total] of totals.entries()) {
      const count = group.counts[c] as number;
      placed[c] = (placed[c] as number) + count;
      const missing = (inside[c] as number) - share * placed[c];
      without += (missing / total) ** 2;
      within += ((missing + count) / total) ** 2;
    }
    if (within >= without) continue;
    validation.add(group);
    for (const c of totals.keys()) inside[c] = (inside[c] as number) + (group.counts[c] as number);
  }
  return validation;
}

/** Moves groups until no move makes the split better. Changes `validation`; returns the cost of the end. */
function improve(
  groups: readonly Group[],
  validation: Set<Group>,
  totals: readonly number[],
  share: number,
): number {
  let inside = totals.map((_, c) =>
    [...validation].reduce((sum, group) => sum + (group.counts[c] as number), 0),
  );
  const changed = (enters: Group | undefined, leaves: Group | undefined) =>
    inside.map((count, c) => count + (enters?.counts[c] ?? 0) - (leaves?.counts[c] ?? 0));
  let cost = costOf(inside, totals, share);
  for (;;) {
    // One group of each kind on each side, and nobody: a move is who enters and who leaves.
    const entering = [undefined, ...oneOfEachKind(groups.filter((group) => !validation.has(group)))];
    const leaving = [undefined, ...oneOfEachKind(groups.filter((group) => validation.has(group)))];
    let move: { enters: Group | undefined; leaves: Group | undefined; cost: number } | undefined;
    for (const enters of entering) {
      for (const leaves of leaving) {
        const after = costOf(changed(enters, leaves), totals, share);
        if (after < (move?.cost ?? cost) - 1e-12) move = { enters, leaves, cost: after };
      }
    }
    if (move === undefined) return cost;
    if (move.enters !== undefined) validation.add(move.enters);
    if (move.leaves !== undefined) validation.delete(move.leaves);
    inside = changed(move.enters, move.leaves);
    cost = move.cost;
  }
}

function oneOfEachKind(groups: readonly Group[]): Group[] {
  const kinds = new Map<string, Group>();
  for (const group of groups) if (!kinds.has(group.kind)) kinds.set(group.kind, group);
  return [...kinds.values()];
}

function refuseEmptySides(
  classes: readonly string[],
  groups: readonly Group[],
  validation: ReadonlySet<Group>,
  members: readonly Member[],
): void {
  for (const [c, name] of classes.entries()) {
    const having = groups.filter((group) => (group.counts[c] as number) > 0);
    const inside = having.filter((group) => validation.has(group)).length;
    if (inside > 0 && inside < having.length) continue;
    const pictures = having.reduce((sum, group) => sum + (group.counts[c] as number), 0);
    if (having.length === 1) {
      const group = members[having[0]?.members[0] as number]?.group;
      throw new UserError(
        `The class "${name}" can't be split: ${pictures === 1 ? 'its one picture belongs' : `all its ${pictures} pictures belong`} ` +
          `to the group "${group}", and a group is never parted. ` +
          'Add pictures of another group, or take the class out of filter.classes in params.yaml.',
      );
    }
    throw new UserError(
      `The class "${name}" would have no picture to ${inside === 0 ? 'validate' : 'train'} with: its ${having.length} groups ` +
        'are shared with other classes in a way that leaves no split without parting one. Add pictures of other groups, or ' +
        'choose another split.validation in params.yaml.',
    );
  }
}
