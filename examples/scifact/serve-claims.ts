import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { LabelledClaim } from './scifact-set.ts';

/** An endpoint that an evaluation can measure. */
export type ClaimServer = { readonly url: string; close(): Promise<void> };

/**
 * Serves claims as if they were answers, with their abstracts as the passages they were made from. The case that is asked
 * for is named by its key.
 */
export async function serveClaims(claims: readonly LabelledClaim[]): Promise<ClaimServer> {
  const byId = new Map(claims.map((claim) => [claim.id, claim]));
  const server = createServer((request, response) => void answer(byId, request, response));
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  claims: ReadonlyMap<string, LabelledClaim>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = JSON.parse(await readBody(request)) as { case?: unknown };
  const found = claims.get(String(body.case));
  response.writeHead(found === undefined ? 404 : 200, { 'content-type': 'application/json' });
  response.end(JSON.stringify(found === undefined ? {} : { answer: found.claim, contexts: found.abstracts }));
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
