// Parameters of the sources: where the pictures come from.
import { z } from 'zod';

/** Icons out of a pinned npm package, found by whole words of their names. */
export const IconsParams = z.strictObject({
  package: z.string().min(1),
  version: z.string().regex(/^\d+\.\d+\.\d+$/, 'an exact version'),
  /** Subresource integrity of the package's tarball: `sha512-…`. */
  integrity: z.string().regex(/^sha512-[A-Za-z0-9+/]+=*$/),
  /** Class → the words of which one must stand in the icon's name. */
  classes: z.record(z.string(), z.array(z.string()).min(1)),
  /** Words that make an icon mean something else. */
  without: z.array(z.string()),
  /** At most so many icons of a class; null for all. */
  limit: z.int().min(1).nullable(),
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
  /** Pictures expected of each of the source's classes, after both splits of the archive are taken together. */
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
