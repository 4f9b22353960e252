// The list of where the pictures come from: who drew them, and under which licence.
import type { Origin } from '../pictures/origin.ts';
import { type Column, markdownTable } from './markdown-table.ts';

/** A Markdown page that names each origin with author, licence and the pictures taken. */
export function originsPage(origins: readonly Origin[]): string {
  const columns: Column<Origin>[] = [
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
