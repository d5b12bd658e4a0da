import type { ServerResponse } from 'node:http';

import type { Behaviour } from './behaviour.ts';
import { settle } from './call-log.ts';
import type { LoggedCall } from './call-log.ts';
import { failCall } from './fail-call.ts';
import { fakeVector } from './fake-vector.ts';
import { ResponseClock } from './response-clock.ts';

/** An embeddings request, as far as the fake reads it. */
export interface EmbeddingsBody {
  readonly model: string;
  readonly input: string | readonly string[];
  readonly dimensions?: number;
  readonly encoding_format?: 'float' | 'base64';
}

const constants = new Map<number, string>();

/** Answers an embeddings request in the ordered way and time. */
export async function answerEmbeddings(
  response: ServerResponse,
  body: EmbeddingsBody,
  call: LoggedCall,
  behaviour: Behaviour,
): Promise<void> {
  await new ResponseClock(response).until(performance.now() + behaviour.firstTokenMs);
  if (response.destroyed) return;
  if (behaviour.failure?.kind === 'status') return failCall(response, call, behaviour.failure);
  call.status = 200;
  response.writeHead(200, { 'content-type': 'application/json', 'x-request-id': `req_${call.id}` });
  if (behaviour.failure !== null) {
    response.write('{"object":"list","data":[');
    return failCall(response, call, behaviour.failure);
  }
  const dimensions = behaviour.dimensions ?? body.dimensions ?? 384;
  const texts = typeof body.input === 'string' ? [body.input] : body.input;
  const data = texts.map((text, index) => {
    const embedding = encode(text, dimensions, behaviour.vectors, body.encoding_format);
    return `{"object":"embedding","index":${index},"embedding":${embedding}}`;
  });
  const usage = { prompt_tokens: call.promptTokens, total_tokens: call.promptTokens };
  const model = JSON.stringify(body.model);
  const tail = behaviour.usage ? `,"usage":${JSON.stringify(usage)}` : '';
  settle(call, 'finished');
  response.end(`{"object":"list","model":${model},"data":[${data.join(',')}]${tail}}`);
}

function encode(
  text: string,
  dimensions: number,
  kind: Behaviour['vectors'],
  format: EmbeddingsBody['encoding_format'],
): string {
  if (format !== 'base64') return JSON.stringify(Array.from(fakeVector(text, dimensions, kind)));
  const known = kind === 'constant' ? constants.get(dimensions) : undefined;
  if (known !== undefined) return known;
  const vector = fakeVector(text, dimensions, kind);
  const encoded = `"${Buffer.from(vector.buffer).toString('base64')}"`;
  if (kind === 'constant') constants.set(dimensions, encoded);
  return encoded;
}
