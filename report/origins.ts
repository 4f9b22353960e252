// The list of where the pictures come from: who drew them, and under which licence.
import { type Column, markdownTable } from './markdown-table.ts';

/** An icon set, a folder or a data set. */
export interface PictureOrigin {
  readonly id: string;
  readonly name: string;
  readonly author: string | null;
  readonly authorUrl: string | null;
  readonly licence: string | null;
  readonly licenceUrl: string | null;
  readonly version: string | null;
  readonly pictures: number;
}

/** A Markdown page that names each origin with author, licence and the pictures taken. */
export function originsPage(origins: readonly PictureOrigin[]): string {
  const columns: Column<PictureOrigin>[] = [
    { title: 'Source', align: 'left', text: ({ id, name }) => (name === id ? id : `${name} (${id})`) },
    { title: 'Author', align: 'left', text: ({ author, authorUrl }) => linked(author, authorUrl) },
    { title: 'Licence', align: 'left', text: ({ licence, licenceUrl }) => linked(licence, licenceUrl) },
    { title: 'Version', align: 'left', text: ({ version }) => version ?? '' },
    { title: 'Pictures', align: 'right', text: ({ pictures }) => String(pictures) },
  ];
  return `# Where the pictures come from\n\nEach source has its own licence.\n\n${markdownTable(columns, origins)}`;
}

const linked = (text: string | null, url: string | null): string =>
  text === null ? (url ?? '') : url === null ? text : `[${text}](${url})`;
