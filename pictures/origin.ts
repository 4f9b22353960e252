// Where pictures come from and under which licence: the entries of a source's `sources.json`.

/** An icon set, folder or data set that pictures were taken from: an entry of `sources.json`. */
export interface Origin {
  /** As in `CatalogEntry.origin`. */
  readonly id: string;
  readonly name: string;
  readonly author: string | null;
  readonly authorUrl: string | null;
  /** SPDX identifier where there is one, else the licence's title. */
  readonly licence: string | null;
  readonly licenceUrl: string | null;
  readonly version: string | null;
  /** Pictures taken from it. */
  readonly pictures: number;
}

/** Name of the list of origins inside a downloaded source. */
export const originsName = 'sources.json';
