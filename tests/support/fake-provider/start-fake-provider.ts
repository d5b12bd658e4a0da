import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { answerChat } from './answer-chat.ts';
import type { ChatBody } from './answer-chat.ts';
import { answerEmbeddings } from './answer-embeddings.ts';
import type { EmbeddingsBody } from './answer-embeddings.ts';
import { behaviourOfModel, plainBehaviour } from './behaviour.ts';
import type { Behaviour } from './behaviour.ts';
import { CallLog, settle } from './call-log.ts';
import type { LoggedCall } from './call-log.ts';

/** A step of the script: the next `times` (1) calls of its kind and model, or of any, behave so. */
interface ScriptStep extends Partial<Behaviour> {
  readonly on?: 'chat' | 'embeddings';
  readonly model?: string;
  readonly times?: number;
}

/** What `POST /control` and `control()` take; fields left out change nothing. */
interface Control {
  /** Forgets script, default, required key and log, before the other fields act. */
  readonly reset?: boolean;
  /** How calls behave that no step and no model's name says otherwise of. */
  readonly default?: Partial<Behaviour>;
  /** Steps to put at the end of the script. */
  readonly script?: readonly ScriptStep[];
  /** The only API key that is accepted; null accepts any and none. */
  readonly requiredKey?: string | null;
}

/** A running fake provider. */
export interface FakeProvider {
  /** The base address for clients, which ends in `/v1`. */
  readonly url: string;
  log(): LoggedCall[];
  control(control: Control): void;
  /** Ends every connection and the server. */
  stop(): Promise<void>;
}

/** Options of a fake provider. */
export interface FakeProviderOptions {
  /** A free port unless given. */
  readonly port?: number;
}

interface PendingStep {
  readonly step: ScriptStep;
  left: number;
}

/**
 * Starts a server on the loopback address that speaks OpenAI's protocol: `POST /v1/chat/completions` and
 * `/v1/embeddings`, `GET /v1/models`; besides, `GET /log` and `POST /control`. The script's next fitting step comes
 * first, then the model's name (behaviour.ts), then the default.
 */
export async function startFakeProvider({ port = 0 }: FakeProviderOptions = {}): Promise<FakeProvider> {
  const log = new CallLog();
  let base: Partial<Behaviour> = {};
  let script: PendingStep[] = [];
  let requiredKey: string | null = null;

  const control = (order: Control): void => {
    if (order.reset === true) {
      base = {};
      script = [];
      requiredKey = null;
      log.clear();
    }
    base = { ...base, ...order.default };
    script.push(...(order.script ?? []).map((step) => ({ step, left: step.times ?? 1 })));
    if (order.requiredKey !== undefined) requiredKey = order.requiredKey;
  };

  const behaviourFor = (kind: LoggedCall['kind'], model: string): Behaviour => {
    const pending = script.find(
      ({ step }) => (step.on ?? kind) === kind && (step.model === undefined || step.model === model),
    );
    if (pending !== undefined && --pending.left <= 0) script = script.filter((other) => other !== pending);
    return { ...plainBehaviour, ...base, ...behaviourOfModel(model), ...pending?.step };
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = request.url?.split('?')[0];
    if (path === '/log') return sendJson(response, 200, log.list());
    const text = await readBody(request);
    if (path === '/control') {
      control(JSON.parse(text) as Control);
      return sendJson(response, 200, {});
    }
    if (requiredKey !== null && request.headers.authorization !== `Bearer ${requiredKey}`) {
      return sendError(
        response,
        401,
        'invalid_api_key',
        `Incorrect API key: ${request.headers.authorization ?? 'none'}`,
      );
    }
    if (path === '/v1/models')
      return sendJson(response, 200, { object: 'list', data: [{ id: 'fake', object: 'model' }] });
    const key = request.headers['idempotency-key'];
    const idempotencyKey = typeof key === 'string' ? key : null;
    if (path === '/v1/chat/completions') {
      const body = JSON.parse(text) as ChatBody;
      const parts = body.messages.map((message) => JSON.stringify(message));
      const call = begin(response, log.start('chat', body.model, idempotencyKey, parts));
      return answerChat(response, body, call, behaviourFor('chat', body.model));
    }
    if (path === '/v1/embeddings') {
      const body = JSON.parse(text) as EmbeddingsBody;
      const texts = typeof body.input === 'string' ? [body.input] : body.input;
      const call = begin(response, log.start('embeddings', body.model, idempotencyKey, texts));
      return answerEmbeddings(response, body, call, behaviourFor('embeddings', body.model));
    }
    return sendError(response, 404, 'not_found', `The fake provider has no ${path ?? 'path'}.`);
  };

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      // A fault of the fake or of its script must be seen, never taken for the provider's failure that a test ordered.
      console.error('The fake provider failed:', error);
      if (!response.headersSent) sendError(response, 400, 'fake_provider_fault', String(error));
      else response.destroy();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const address = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${address.port}/v1`,
    log: () => log.list(),
    control,
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Settles the call as aborted when the client leaves first. */
function begin(response: ServerResponse, call: LoggedCall): LoggedCall {
  response.once('close', () => settle(call, 'aborted'));
  return call;
}

async function readBody(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(value));
}

function sendError(response: ServerResponse, status: number, code: string, message: string): void {
  sendJson(response, status, { error: { message, type: code, code, param: null } });
}
