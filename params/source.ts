// Parameters of the sources: where the pictures come from.
import { z } from 'zod';

/** A class' name is also a folder's. */
const ClassName = z.string().regex(/^\w[\w .-]*$/, 'letters, digits, `_`, `-`, `.` and spaces');

/** Words of icon names. */
const Words = z.array(
  z.string().regex(/^[a-z0-9]+$/, 'one word in lower case, as between the `-` of an icon name'),
);

/** Icons out of a pinned npm package, found by whole words of their names. */
export const IconsParams = z.strictObject({
  package: z.string().min(1),
  version: z.string().regex(/^\d+\.\d+\.\d+$/, 'an exact version'),
  /** Subresource integrity of the package's tarball: `sha512-…`. */
  integrity: z.string().regex(/^sha512-[A-Za-z0-9+/]+=*$/),
  /** Class of the study → the words of which one must stand in the icon's name. */
  classes: z.record(ClassName, Words.min(1)),
  /** Words, or several in a row as in `hand-truck`, that make the name of a study class' icon mean something else. */
  without: z.array(z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'words in lower case, as in icon names')),
  /** Icons whose name misleads, found by looking: `set:name`, or `set:name*` for all that begin so. */
  except: z.array(z.string().regex(/^[a-z0-9-]+:[a-z0-9-]+\*?$/, 'set:name or set:name*')),
  /** At most so many icons of a class; null for all. */
  limit: z.int().min(1).nullable(),
  /** Icon sets of these categories are left out: they hold logos of brands and file types. */
  withoutCategories: z.array(z.string()),
  /** Lists of icon sets that draw alike though neither author nor data says so: the split keeps them together. */
  families: z.array(z.array(z.string()).min(2)),
  /** Other nouns, which `filter` sets aside and the backbone can be pretrained on. */
  aside: z.strictObject({
    /** Class → words, as above. */
    classes: z.record(ClassName, Words.min(1)),
    /** The only words, with numbers, that may stand beside the class' word in a name. */
    styles: Words,
    /** At most so many icons of each class, from as many icon sets as possible. */
    limit: z.int().min(1),
  }),
});
export type IconsParams = z.infer<typeof IconsParams>;

/** Pictures of one's own: `<root>/<class>/*`. */
export const FolderParams = z.strictObject({
  /** The folder; null while another source is in use. */
  root: z.string().nullable(),
});
export type FolderParams = z.infer<typeof FolderParams>;

/** A Kaggle data set, fetched with the API and the credentials of `kaggle.json`. */
export const KaggleParams = z.strictObject({
  dataset: z.string().regex(/^[\w-]+\/[\w-]+$/),
  /** Base of the API; another one is for tests. */
  api: z.url(),
  /** SHA-256 of the archive, to pin it; the stage's log tells what it was. null takes what Kaggle has. */
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .nullable(),
  /** Pictures expected of each of these classes (folder names in lower case), after both splits of the archive are taken together. */
  expected: z.record(z.string(), z.int().min(0)),
});
export type KaggleParams = z.infer<typeof KaggleParams>;

export const SourceParams = z.strictObject({
  kind: z.enum(['icons', 'folder', 'kaggle']),
  icons: IconsParams,
  folder: FolderParams,
  kaggle: KaggleParams,
});
export type SourceParams = z.infer<typeof SourceParams>;
