import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createProviders } from '../../../providers/registry.ts';
import { collect, conformanceRequest } from '../chat-model-conformance.ts';

const providers = createProviders({ modelDirectory: 'unused' });
let server: Server;
let connections = 0;
let end: (response: ServerResponse) => void;

beforeAll(async () => {
  server = createServer((request, response) => {
    request.resume().on('end', () => {
      const choices = [{ index: 0, delta: { content: 'Yes.' }, finish_reason: 'stop' }];
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`data: ${JSON.stringify({ id: 'r', model: 'm', choices })}\n\n`);
      response.write('data: [DONE]\n\n');
      end(response);
    });
  });
  server.on('connection', () => (connections += 1));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  await providers.close();
  server.closeAllConnections();
  server.close();
});

const ask = async () => {
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  const model = providers.chatModel({ provider: 'openai', modelId: 'm', endpoint, apiKey: 'sk', capabilities: {} });
  return collect(model.stream(conformanceRequest));
};

test('serves call after call over one connection, though the SDK leaves answers at [DONE]', async () => {
  connections = 0;
  for (let call = 0; call < 20; call += 1) {
    const ended = new Promise<void>((resolve) => {
      // The body ends only when the SDK has long left it.
      end = (response) => setImmediate(() => response.end(resolve));
    });
    expect((await ask()).at(-1)).toMatchObject({ type: 'finish' });
    await ended;
    await new Promise(setImmediate);
  }
  expect(connections).toBeLessThan(5);
});

test('does not wait for a body that goes on after [DONE], and cuts it off', async () => {
  let isCutOff = false;
  const closed = new Promise<void>((resolve) => {
    end = (response) => void response.on('close', resolve);
  }).then(() => (isCutOff = true));
  await ask();
  expect(isCutOff).toBe(false);
  await closed;
});
