import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A service outside that answers questions at `/answer` and judges answers at `/score`. */
export type EndpointService = {
  url: string;
  /** What came, in order: the path, the header `x-key` and the body. */
  received: { path: string; key: string | undefined; body: Record<string, unknown> }[];
  stop(): void;
};

/** Starts the service: it knows one river, and gives half a point to whatever is not empty. */
export async function startEndpointService(): Promise<EndpointService> {
  const received: EndpointService['received'] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (piece: Buffer) => (text += piece.toString()));
    request.on('end', () => {
      const body = JSON.parse(text) as Record<string, unknown>;
      const path = request.url ?? '';
      received.push({ path, key: request.headers['x-key']?.toString(), body });
      const reply =
        path === '/score'
          ? { score: body['answer'] === '' ? 0 : 0.5, reason: 'It says something.' }
          : { reply: { text: 'The Selune.', sources: [{ document: 'places/arbonne', text: 'On the Selune.' }] } };
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(reply));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, received, stop: () => void server.close() };
}
