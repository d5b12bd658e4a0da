import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { createHttpFetch, StreamedResponse } from '../../../providers/openai/http-fetch.ts';
import { readEvents } from '../../../providers/openai/read-events.ts';

const fetch = createHttpFetch({ firstByteTimeoutMs: 20_000, stallTimeoutMs: 20_000 });
let server: Server;
let elsewhere: Server;
let seen: { url: string | undefined; authorization: string | undefined; body: string }[] = [];
let answer: (request: IncomingMessage, response: ServerResponse) => void;

const listen = async (): Promise<Server> => {
  const made = createServer((request, response) => {
    let body = '';
    request.on('data', (piece: Buffer) => (body += piece.toString()));
    request.on('end', () => {
      seen.push({ url: request.url, authorization: request.headers.authorization, body });
      answer(request, response);
    });
  });
  await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve));
  return made;
};
const at = (of: Server, path: string) => `http://127.0.0.1:${(of.address() as AddressInfo).port}${path}`;
const post = (url: string) =>
  fetch(url, { method: 'POST', body: '{"a":"ü"}', headers: { authorization: 'Bearer sk', 'content-type': 'x/y' } });

beforeAll(async () => {
  server = await listen();
  elsewhere = await listen();
});
beforeEach(() => {
  seen = [];
});
afterAll(() => {
  for (const each of [server, elsewhere]) {
    each.closeAllConnections();
    each.close();
  }
});

test('follows a redirect with method, body and, on the same server only, credentials', async () => {
  answer = ({ url }, response) => {
    if (url === '/a') response.writeHead(307, { location: '/b' }).end();
    else if (url === '/b') response.writeHead(308, { location: at(elsewhere, '/c') }).end();
    else response.setHeader('content-type', 'application/json').end('{"found":true}');
  };
  const response = await post(at(server, '/a'));
  expect(await response.json()).toEqual({ found: true });
  const body = '{"a":"ü"}';
  expect(seen).toEqual([
    { url: '/a', authorization: 'Bearer sk', body },
    { url: '/b', authorization: 'Bearer sk', body },
    { url: '/c', authorization: undefined, body },
  ]);
});

test('gives up on a redirect that leads back to itself', async () => {
  answer = (_, response) => response.writeHead(307, { location: '/a' }).end();
  expect((await post(at(server, '/a'))).status).toBe(307);
  expect(seen).toHaveLength(6);
});

test('gives the events of an answer whose characters and lines come in halves', async () => {
  const bytes = Buffer.from(
    '\uFEFF: hello\r\ndata: {"text":"Grüße 🪁"}\r\n\r\nevent: error\ndata: 1\ndata: 2\n\ndata: [DONE]\n\n',
  );
  answer = (_, response) => {
    response.setHeader('content-type', 'text/event-stream');
    const write = (from: number): void => {
      if (from >= bytes.length) return void response.end();
      response.write(bytes.subarray(from, from + 3), () => setImmediate(write, from + 3));
    };
    write(0);
  };
  const response = await post(at(server, '/events'));
  expect(response).toBeInstanceOf(StreamedResponse);
  const events = [];
  for await (const some of readEvents(response)) events.push(...some);
  expect(events).toMatchObject([{ data: '{"text":"Grüße 🪁"}' }, { event: 'error', data: '1\n2' }]);
});

test('takes a body that is larger than what it reads ahead, from a sender that waits for its reader', async () => {
  const piece = Buffer.alloc(65_536, 'a');
  answer = (_, response) => {
    response.setHeader('content-type', 'text/plain');
    let left = 60;
    const write = (): void => {
      while (left > 0) {
        left -= 1;
        if (!response.write(piece)) return void response.once('drain', write);
      }
      response.end();
    };
    write();
  };
  const response = (await post(at(server, '/large'))) as StreamedResponse;
  let bytes = 0;
  for await (const part of response.pieces) {
    bytes += part.byteLength;
    await new Promise(setImmediate);
  }
  expect(bytes).toBe(60 * 65_536);
});
