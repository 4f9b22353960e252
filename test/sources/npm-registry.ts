// A local npm registry with one package, for npm itself to fetch from.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { create } from 'tar';

export interface NpmRegistry {
  /** What makes npm use it, with a cache of its own. */
  readonly env: Record<string, string>;
  readonly integrity: string;
  readonly tarball: Buffer;
  close(): Promise<void>;
}

/** Starts a registry that knows one version of one package, made of the given files. */
export async function startNpmRegistry(
  name: string,
  version: string,
  files: Readonly<Record<string, string>>,
): Promise<NpmRegistry> {
  const directory = await mkdtemp(join(tmpdir(), 'rodada-registry-'));
  const all = { 'package.json': JSON.stringify({ name, version }), ...files };
  for (const [path, content] of Object.entries(all)) {
    await mkdir(dirname(join(directory, 'package', path)), { recursive: true });
    await writeFile(join(directory, 'package', path), content);
  }
  const file = join(directory, 'package.tgz');
  await create({ gzip: true, cwd: directory, file, portable: true }, ['package']);
  const tarball = await readFile(file);
  const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`;

  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? '');
    if (path === `/${name}`) {
      const dist = { integrity, tarball: `${url}/package.tgz` };
      const manifest = { name, version, dist };
      response.setHeader('content-type', 'application/json');
      response.end(
        JSON.stringify({ name, 'dist-tags': { latest: version }, versions: { [version]: manifest } }),
      );
    } else if (path === '/package.tgz') {
      response.end(tarball);
    } else {
      response.statusCode = 404;
      response.end('{}');
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    env: {
      npm_config_registry: url,
      npm_config_cache: join(directory, 'cache'),
      npm_config_fetch_retries: '0',
    },
    integrity,
    tarball,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
      await rm(directory, { recursive: true, force: true });
    },
  };
}
