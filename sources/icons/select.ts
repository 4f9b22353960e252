// Selects the icons of the study and of the classes set aside, set by set, and then the share of each class to keep.
import { createHash } from 'node:crypto';
import type { IconifyJSON } from '@iconify/types';
import { byCodeUnit } from '../source.ts';
import { type NameRules, nameMatcher } from './name-rules.ts';
import { standaloneSvg } from './svg.ts';

/** An icon that a name rule took. */
export interface SelectedIcon {
  /** Prefix of its set. */
  readonly set: string;
  readonly name: string;
  readonly class: string;
  readonly svg: string;
}

/** How many icons were left out, and for what. */
export interface LeftOut {
  /** Names with words of two classes. */
  ambiguous: number;
  /** Names of a study class with a word of `without`, and icons of `except`. */
  excluded: number;
  /** The same SVG under another name of the set, or in both a study class and one set aside. */
  duplicate: number;
  /** Drawn by animation, or an alias that leads nowhere. */
  unusable: number;
}

export interface SelectionRules extends NameRules {
  /** At most so many icons of each class of the study; null for all. */
  readonly limit: number | null;
  /** Icons whose name misleads, as `set:name`, or `set:name*` for all that begin so. */
  readonly except: readonly string[];
  /** Icon sets of these categories hold other things than pictures of the noun: logos of brands and file types. */
  readonly withoutCategories: readonly string[];
  readonly aside: NameRules['aside'] & {
    /** At most so many icons of each class set aside. */
    readonly limit: number;
  };
}

/** Collects icons set by set. */
export class IconSelection {
  readonly leftOut: LeftOut = { ambiguous: 0, excluded: 0, duplicate: 0, unusable: 0 };
  readonly #rules: SelectionRules;
  readonly #match: ReturnType<typeof nameMatcher>;
  readonly #unusedExceptions: Set<string>;
  readonly #study: SelectedIcon[] = [];
  readonly #aside: SelectedIcon[] = [];

  constructor(rules: SelectionRules) {
    this.#rules = rules;
    this.#match = nameMatcher(rules);
    this.#unusedExceptions = new Set(rules.except);
  }

  /** Takes the matching icons of a set, each picture once, under its own name rather than an alias. */
  add(set: IconifyJSON): void {
    if (this.#rules.withoutCategories.includes(set.info?.category ?? '')) return;
    const seen = new Set<string>();
    for (const name of namesOf(set)) {
      const match = this.#match(name);
      if (match.kind === 'ambiguous' || match.kind === 'excluded') this.leftOut[match.kind]++;
      if (match.kind !== 'study' && match.kind !== 'aside') continue;
      const svg = standaloneSvg(set, name);
      if (this.#isException(`${set.prefix}:${name}`)) this.leftOut.excluded++;
      else if (svg === undefined) this.leftOut.unusable++;
      else if (seen.has(svg)) this.leftOut.duplicate++;
      else {
        seen.add(svg);
        const icons = match.kind === 'study' ? this.#study : this.#aside;
        icons.push({ set: set.prefix, name, class: match.class, svg });
      }
    }
  }

  #isException(id: string): boolean {
    const pattern = this.#rules.except.find((pattern) =>
      pattern.endsWith('*') ? id.startsWith(pattern.slice(0, -1)) : id === pattern,
    );
    if (pattern === undefined) return false;
    this.#unusedExceptions.delete(pattern);
    return true;
  }

  /** Entries of `except` that no icon came under: misspelt, or of another version of the package. */
  get unusedExceptions(): readonly string[] {
    return [...this.#unusedExceptions];
  }

  /** All icons that the rules took, before the limits: what families of sets are told by. */
  get candidates(): readonly SelectedIcon[] {
    return [...this.#study, ...this.#aside];
  }

  /** The selection within the limits. A picture of the study is never also among those set aside. */
  finish(): SelectedIcon[] {
    const study = new Set(this.#study.map((icon) => icon.svg));
    const aside = this.#aside.filter((icon) => !study.has(icon.svg));
    this.leftOut.duplicate += this.#aside.length - aside.length;
    return [
      ...limitEachClass(this.#study, this.#rules.limit ?? Number.POSITIVE_INFINITY),
      ...limitEachClass(aside, this.#rules.aside.limit),
    ];
  }
}

/** Own names first and then aliases, each in code-unit order; hidden ones are withdrawn by their authors. */
function namesOf(set: IconifyJSON): string[] {
  const own = Object.keys(set.icons).filter((name) => set.icons[name]!.hidden !== true);
  const aliases = Object.keys(set.aliases ?? {}).filter((name) => set.aliases![name]!.hidden !== true);
  return [...own.sort(byCodeUnit), ...aliases.sort(byCodeUnit)];
}

/**
 * At most `limit` icons of each class: every set's first icon, then every set's second, and so on, so that no set with a
 * dozen variants of a picture crowds out the others. Order within a set, and between sets, is by hash of the icon's name.
 */
export function limitEachClass(icons: readonly SelectedIcon[], limit: number): SelectedIcon[] {
  const hashed = icons
    .map((icon) => ({ icon, hash: sha256(`${icon.set}:${icon.name}`) }))
    .sort((a, b) => byCodeUnit(a.hash, b.hash));
  const taken = new Map<string, number>();
  const ranked = hashed.map(({ icon, hash }) => {
    const key = `${icon.class}\n${icon.set}`;
    const rank = taken.get(key) ?? 0;
    taken.set(key, rank + 1);
    return { icon, hash, rank };
  });
  ranked.sort((a, b) => a.rank - b.rank || byCodeUnit(a.hash, b.hash));
  const kept = new Map<string, number>();
  return ranked.flatMap(({ icon }) => {
    const count = kept.get(icon.class) ?? 0;
    if (count >= limit) return [];
    kept.set(icon.class, count + 1);
    return [icon];
  });
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
