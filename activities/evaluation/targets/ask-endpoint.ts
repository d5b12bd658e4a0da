import { caseMessages } from '../../../domain/evaluations/case-messages.ts';
import { storableText } from '../../../domain/turns/storable-text.ts';
import type { StoredContext } from '../../../entities/evaluations/evaluation-item-repository.ts';
import { CallFault, faultOf } from '../call-fault.ts';
import { targetCallId } from '../evaluation-call-id.ts';
import type { ItemWork } from '../item-work.ts';
import type { TargetAnswer } from '../target-answer.ts';

const largestAnswer = 4_000_000;

/**
 * Posts the case to an endpoint outside, and reads answer and contexts where its JSON has them. Each attempt sends its own
 * `Idempotency-Key`. @throws CallFault when it fails, or has no answer there.
 */
export async function askEndpoint(work: ItemWork, { question }: { question: string }): Promise<TargetAnswer> {
  const { run, item, variant } = work;
  const { endpoint } = variant;
  if (endpoint === null) throw new TypeError('The variant has no endpoint.');
  const line = `endpoint ${endpoint.url}`;
  const body = {
    question,
    messages: caseMessages(item.input),
    variables: item.input.variables ?? {},
    case: item.case_key,
    repetition: item.repetition,
    seed: run.plan.configuration.seed,
  };
  const headers = endpoint.headersSealed === null ? {} : readHeaders(run.deps.openSealed(endpoint.headersSealed));
  await work.waitForRate();
  const started = performance.now();
  const response = await run.deps
    .fetch({
      url: endpoint.url,
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'idempotency-key': targetCallId(run.key.evaluationId, item.ordinal, item.attempt),
      },
      credentials: headers,
      body: Buffer.from(JSON.stringify(body)),
      signal: run.signal,
      maxBytes: largestAnswer,
      timeoutMs: 300_000,
    })
    .catch((error: unknown) => {
      run.signal.throwIfAborted();
      throw faultOf(line, error);
    });
  const latencyMs = performance.now() - started;
  if (response.status < 200 || response.status > 299)
    throw new CallFault(line, {
      code: 'fetch_refused',
      detail: `The endpoint answered ${response.status}.`,
      retryable: [408, 425, 429].includes(response.status) || response.status >= 500,
      retryAfterMs: retryAfterMs(response.headers['retry-after']),
    });
  await work.noteAnswer(line);
  const value = readJson(response.bytes, line);
  const answer = at(value, endpoint.answer);
  if (answer === undefined)
    throw new CallFault(line, {
      code: 'fetch_malformed',
      detail: `The answer of the endpoint has nothing at ${endpoint.answer || 'its root'}.`,
      retryable: false,
    });
  return {
    output: answer === null ? null : storableText(typeof answer === 'string' ? answer : JSON.stringify(answer)),
    prompt: body,
    contexts: endpoint.contexts === null ? [] : readContexts(at(value, endpoint.contexts)),
    toolCalls: [],
    latencyMs,
    cost: null,
  };
}

function readHeaders(opened: string): Record<string, string> {
  return JSON.parse(opened) as Record<string, string>;
}

function readJson(bytes: Buffer, line: string): unknown {
  try {
    return JSON.parse(bytes.toString('utf8')) as unknown;
  } catch {
    throw new CallFault(line, { code: 'fetch_malformed', detail: 'The endpoint answered no JSON.', retryable: false });
  }
}

function retryAfterMs(header: string | undefined): number | null {
  const seconds = Number(header);
  return header !== undefined && Number.isFinite(seconds) ? seconds * 1000 : null;
}

/** The value at a JSON pointer (RFC 6901); undefined where there is none. */
function at(value: unknown, pointer: string): unknown {
  let found = value;
  for (const part of pointer.split('/').slice(1)) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, key)) return undefined;
    found = (found as Record<string, unknown>)[key];
  }
  return found;
}

function readContexts(value: unknown): StoredContext[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((entry: unknown, index): StoredContext[] => {
    const given = typeof entry === 'string' ? { text: entry } : (entry as Record<string, unknown> | null);
    const text = given?.['text'] ?? given?.['content'];
    if (typeof text !== 'string') return [];
    const document = given?.['document'] ?? given?.['document_id'] ?? given?.['id'];
    const name = typeof document === 'string' ? document : `context ${index + 1}`;
    const chunk = Number(given?.['chunk_index'] ?? index);
    return [
      {
        document_id: name,
        chunk_index: Number.isInteger(chunk) && chunk >= 0 ? chunk : index,
        title: name,
        source_url: null,
        source_path: null,
        text: storableText(text),
      },
    ];
  });
}
