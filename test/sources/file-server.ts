// A local HTTP server that hands out one file, in the ways that real servers fail to.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How the server answers one request: normally, or one of its failures. */
export type Behaviour =
  /** The file, ranges and If-Range heeded. */
  | { kind: 'serve' }
  /** The connection breaks after so many bytes of the body. */
  | { kind: 'drop'; after: number }
  /** All of the file, whatever the range. */
  | { kind: 'ignoreRange' }
  /** The rest of the file, although it is not the one that If-Range names. */
  | { kind: 'ignoreIfRange' }
  | { kind: 'status'; status: number; headers?: Record<string, string>; body?: string };

export interface FileServer {
  readonly url: string;
  /** The file; setting it changes the ETag. */
  file: Buffer;
  /** Answers of the next requests, in order; afterwards `serve`. */
  readonly behaviours: Behaviour[];
  /** What was asked, in order. */
  readonly requests: {
    readonly url: string;
    readonly headers: IncomingMessage['headers'];
    readonly at: number;
  }[];
  close(): Promise<void>;
}

/** Starts the server on a free port of 127.0.0.1. */
export async function startFileServer(file: Buffer, path = '/file.bin'): Promise<FileServer> {
  const server: Server = createServer((request, response) => answer(state, request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const state: FileServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`,
    file,
    behaviours: [],
    requests: [],
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return state;
}

function answer(state: FileServer, request: IncomingMessage, response: ServerResponse): void {
  state.requests.push({ url: request.url!, headers: request.headers, at: performance.now() });
  const behaviour = state.behaviours.shift() ?? { kind: 'serve' };
  if (behaviour.kind === 'status') {
    response.writeHead(behaviour.status, { 'content-type': 'text/html', ...behaviour.headers });
    response.end(behaviour.body ?? '<html></html>');
    return;
  }
  const etag = `"${createHash('md5').update(state.file).digest('hex')}"`;
  const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? '');
  const condition = request.headers['if-range'];
  const same = condition === undefined || condition === etag || behaviour.kind === 'ignoreIfRange';
  const from = range !== null && same && behaviour.kind !== 'ignoreRange' ? Number(range[1]) : 0;
  if (from > 0 && from >= state.file.length) {
    response.writeHead(416, { 'content-range': `bytes */${state.file.length}` });
    response.end();
    return;
  }
  const body = state.file.subarray(from);
  const headers = {
    'content-type': 'application/octet-stream',
    'content-length': String(body.length),
    etag,
    'accept-ranges': 'bytes',
  };
  if (from > 0) {
    const last = state.file.length - 1;
    response.writeHead(206, { ...headers, 'content-range': `bytes ${from}-${last}/${state.file.length}` });
  } else {
    response.writeHead(200, headers);
  }
  if (behaviour.kind === 'drop') {
    response.write(body.subarray(0, behaviour.after), () => {
      // A moment for the bytes to be on the wire before the socket breaks: a reset would discard them.
      response.socket!.end(() => response.socket?.destroy());
    });
    return;
  }
  response.end(body);
}
