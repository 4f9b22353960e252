// What npm says when it can't fetch the icons reaches the user, also below `npm run -s`, which makes every npm silent.
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { runStage } from '../support/run-stage.ts';

const status =
  (code: number): RequestListener =>
  (_, response) => {
    response.statusCode = code;
    response.end(JSON.stringify({ error: 'said by the registry' }));
  };

/** A registry on a free port that answers each request so. */
async function registry(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A registry that nobody runs: its port was free a moment ago. */
async function nobody(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return `http://127.0.0.1:${port}`;
}

it.each([
  ['refuses a connection', nobody, /ECONNREFUSED; .*connect ECONNREFUSED 127\.0\.0\.1:\d+;?/],
  ['closes the connection', () => registry(({ socket }) => socket.destroy()), /ECONNRESET; .*socket hang up/],
  ['does not know the package', () => registry(status(404)), /E404; 404 Not Found - GET http:\S+/],
  ['wants credentials', () => registry(status(401)), /E401; .*401 Unauthorized/],
  ['forbids it', () => registry(status(403)), /E403; .*Forbidden/],
  ['has a fault', () => registry(status(500)), /E500; 500 Internal Server Error/],
])('a registry that %s is said in the words of npm', async (_, start, reason) => {
  const directory = await mkdtemp(join(tmpdir(), 'rodada-offline-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const url = await start();
  const icons = {
    package: '@test/icons',
    version: '1.0.0',
    integrity: `sha512-${Buffer.alloc(64).toString('base64')}`,
    classes: { car: ['car'] },
    without: [],
    except: [],
    limit: null,
    withoutCategories: [],
    families: [],
    aside: { classes: { tree: ['tree'] }, styles: ['outline'], limit: 10 },
  };
  const { exitCode, stderr } = await runStage(
    'stages/download/icons.ts',
    { params: { source: { kind: 'icons', icons } }, outs: { raw: join(directory, 'raw') } },
    {
      npm_config_registry: url,
      npm_config_cache: join(directory, 'cache'),
      npm_config_fetch_retries: '0',
      npm_config_loglevel: 'silent', // as `npm run -s` sets it
    },
  );
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/^npm could not fetch @test\/icons@1\.0\.0: /);
  expect(stderr).toMatch(reason);
  expect(stderr).toContain('Check the network and `npm config get registry`, then run the stage again');
  expect(stderr).not.toMatch(/^ *at |shortMessage|Command failed/m);
});
