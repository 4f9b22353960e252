// Decides from an icon's name which class it belongs to: by whole words, names being split at `-`.

/** What the names of the icons must say; see `IconsParams` for each field. */
export interface NameRules {
  /** Class of the study → words of which one must stand in the name. */
  readonly classes: Readonly<Record<string, readonly string[]>>;
  /** Words, or several in a row such as `police-car-light`, with which a name of a study class means something else. */
  readonly without: readonly string[];
  readonly aside: {
    /** Class set aside → words, as in `classes`. */
    readonly classes: Readonly<Record<string, readonly string[]>>;
    /** Beside the class' word a name may hold only these, and numbers. */
    readonly styles: readonly string[];
  };
}

/** Where an icon's name puts it. */
export type NameMatch =
  | { readonly kind: 'study' | 'aside'; readonly class: string }
  /** The name holds words of two classes: nobody can tell what the picture shows. */
  | { readonly kind: 'ambiguous' }
  /** Of a study class, but for one of `without`. */
  | { readonly kind: 'excluded' }
  | { readonly kind: 'none' };

/**
 * Compiles the rules. A study class takes a name such as `oncoming-car-2` for its one word `car`; a class set aside is
 * stricter, `star-outline-rounded` but not `star-wars`, because its list of other meanings would have no end.
 */
export function nameMatcher(rules: NameRules): (name: string) => NameMatch {
  const study = invert(rules.classes);
  const aside = invert(rules.aside.classes);
  const styles = new Set(rules.aside.styles);
  return (name) => {
    const words = name.split('-');
    const ofStudy = new Set(words.flatMap((word) => study.get(word) ?? []));
    if (ofStudy.size > 1) return { kind: 'ambiguous' };
    const ofAside = new Set(words.flatMap((word) => aside.get(word) ?? []));
    const [studyClass] = ofStudy;
    const [asideClass] = ofAside;
    if (studyClass !== undefined) {
      if (rules.without.some((phrase) => `-${name}-`.includes(`-${phrase}-`))) return { kind: 'excluded' };
      return asideClass === undefined ? { kind: 'study', class: studyClass } : { kind: 'ambiguous' };
    }
    if (asideClass === undefined) return { kind: 'none' };
    if (ofAside.size > 1) return { kind: 'ambiguous' };
    const plain = words.every((word) => aside.has(word) || styles.has(word) || /^\d+$/.test(word));
    return plain ? { kind: 'aside', class: asideClass } : { kind: 'none' };
  };
}

/** Word → the classes that name it. */
function invert(classes: Readonly<Record<string, readonly string[]>>): Map<string, string[]> {
  const byWord = new Map<string, string[]>();
  for (const [name, words] of Object.entries(classes)) {
    for (const word of words) byWord.set(word, [...(byWord.get(word) ?? []), name]);
  }
  return byWord;
}
