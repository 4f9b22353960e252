// A small pipeline with every kind of out, and what must hold of its workspace and store after anything that happens to it.
import { createHash } from 'node:crypto';
import { cpSync, existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { RunRecord } from '../../engine/store/run-records.ts';
import { Project } from '../support/project.ts';

/** Directory and file outs, one shared content, a link, an executable, an empty directory, and stages that fan in. */
export const files = {
  'pipeline.yaml': `
stages:
  make:
    cmd: |
      mkdir -p \${outs.made}/inner/empty && cd \${outs.made}
      for i in 1 2 3 4 5 6; do echo "\${size} $i" > "file $i.txt"; done
      echo same > inner/same.txt && cp inner/same.txt same.txt && ln -s inner/same.txt link.txt
      echo '#!/bin/sh' > run.sh && chmod +x run.sh
    params: [size]
    outs: { made: data/made }
  copy:
    matrix: { side: [left, right] }
    cmd: cp -R \${deps.made} \${outs.copy} && echo \${side} > \${outs.copy}/side.txt
    deps: { made: data/made }
    outs: { copy: 'data/copy-\${side}' }
  count:
    cmd: find \${deps.left} \${deps.right} -type f | wc -l > \${outs.count}
    deps: { left: data/copy-left, right: data/copy-right }
    outs: { count: count.txt }
  report:
    cmd: cat \${deps.made}/*.txt > \${outs.report} && cat \${deps.count} > \${outs.note}
    deps: { made: data/made, count: count.txt }
    outs: { report: report.txt, note: note.txt }
`,
  'params.yaml': 'size: 1\n',
};

/** Where outs lie. */
const outs = ['data', 'count.txt', 'report.txt', 'note.txt'];

/** Path → what stands there: kind and content. Two workspaces with equal snapshots hold the same bytes. */
export function snapshot(root: string, paths: readonly string[] = outs): Record<string, string> {
  const found: Record<string, string> = {};
  const look = (path: string): void => {
    const absolute = join(root, path);
    const stat = lstatSync(absolute, { throwIfNoEntry: false });
    if (stat === undefined) return;
    if (stat.isSymbolicLink()) found[path] = `link ${readlinkSync(absolute)}`;
    else if (stat.isDirectory()) {
      found[path] = 'directory';
      for (const name of readdirSync(absolute)) look(join(path, name));
    } else found[path] = `${stat.mode & 0o111 ? 'executable' : 'file'} ${readFileSync(absolute, 'base64')}`;
  };
  for (const path of paths) look(path);
  return found;
}

/**
 * Every object is what its name says, every record's outs are there, and nothing unfinished lies about.
 * @param whole whether the records' outs must be there
 */
export function expectSoundStore(root: string, whole = true): void {
  const cache = join(root, 'cache');
  const objects = new Set<string>();
  for (const prefix of readdirSync(join(cache, 'objects')))
    for (const rest of readdirSync(join(cache, 'objects', prefix))) {
      const bytes = readFileSync(join(cache, 'objects', prefix, rest));
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(prefix + rest);
      objects.add(prefix + rest);
    }
  for (const name of readdirSync(join(cache, 'runs')).filter((file) => file.endsWith('.json'))) {
    const record = JSON.parse(readFileSync(join(cache, 'runs', name), 'utf8')) as RunRecord;
    for (const { type, hash, modes } of whole ? Object.values(record.outs) : []) {
      expect(objects).toContain(hash);
      if (modes !== undefined) expect(objects).toContain(modes);
      if (type !== 'directory') continue;
      const manifest = readFileSync(join(cache, 'objects', hash.slice(0, 2), hash.slice(2)), 'utf8');
      for (const line of manifest.split('\n').filter((text) => text !== '')) {
        const [kind, , content] = JSON.parse(line) as [string, string, string];
        if (kind === 'file' || kind === 'executable') expect(objects).toContain(content);
      }
    }
  }
  expect(existsSync(join(cache, 'tmp'))).toBe(false);
  expect(readdirSync(join(cache, 'run.lock'))).toEqual([]);
  const unfinished = [root, join(cache, 'runs'), join(cache, 'memo')].flatMap((folder) =>
    readdirSync(folder).filter((name) => name.endsWith('.tmp')),
  );
  expect(unfinished).toEqual([]);
}

/** A copy of a project as it stands. */
export async function copyOf(project: Project): Promise<Project> {
  const copy = await Project.createForSuite({});
  for (const name of readdirSync(project.root))
    if (name !== 'node_modules')
      cpSync(project.path(name), copy.path(name), {
        recursive: true,
        preserveTimestamps: true,
        verbatimSymlinks: true,
      });
  return copy;
}
