import { createHash } from 'node:crypto';

/** One call as the fake provider saw it; times are milliseconds since the epoch, null where it did not happen. */
export interface LoggedCall {
  readonly id: number;
  readonly kind: 'chat' | 'embeddings';
  readonly model: string;
  readonly idempotencyKey: string | null;
  /** SHA-256 of the messages or texts. */
  readonly promptHash: string;
  readonly startedAt: number;
  firstTokenAt: number | null;
  finishedAt: number | null;
  /** When the client left before the end. */
  abortedAt: number | null;
  /** `running`, then one of the others, for good. */
  outcome: 'running' | 'finished' | 'aborted' | 'failed';
  status: number | null;
  readonly promptTokens: number;
  /** Tokens that were sent, also of a call that did not finish; 0 for embeddings. */
  completionTokens: number;
  /** The text that a finished call would have sent. */
  answer: string | null;
  /** How many texts were to be embedded; 0 for chat. */
  readonly texts: number;
}

/** Remembers every call in order. */
export class CallLog {
  #calls: LoggedCall[] = [];
  #lastId = 0;

  start(kind: LoggedCall['kind'], model: string, idempotencyKey: string | null, parts: readonly string[]): LoggedCall {
    const hash = createHash('sha256');
    for (const part of parts) hash.update(part).update('\0');
    const call: LoggedCall = {
      id: ++this.#lastId,
      kind,
      model,
      idempotencyKey,
      promptHash: hash.digest('hex'),
      startedAt: Date.now(),
      firstTokenAt: null,
      finishedAt: null,
      abortedAt: null,
      outcome: 'running',
      status: null,
      promptTokens: parts.reduce((sum, part) => sum + countTokens(part), 0),
      completionTokens: 0,
      answer: null,
      texts: kind === 'embeddings' ? parts.length : 0,
    };
    this.#calls.push(call);
    return call;
  }

  list(): LoggedCall[] {
    return this.#calls.map((call) => ({ ...call }));
  }

  clear(): void {
    this.#calls = [];
  }
}

/** The fake's idea of a token: four characters. */
function countTokens(text: string): number {
  return Math.ceil(text.length / 4);
}

/** Settles a call once; what happens to its connection afterwards changes nothing. */
export function settle(call: LoggedCall, outcome: 'finished' | 'aborted' | 'failed'): void {
  if (call.outcome !== 'running') return;
  call.outcome = outcome;
  if (outcome === 'aborted') call.abortedAt = Date.now();
  else call.finishedAt = Date.now();
}
