/** How a call goes wrong; `afterTokens` tokens are streamed before it does. */
export type Failure =
  | {
      readonly kind: 'status';
      readonly status: number;
      /** Headers such as `retry-after: 1`, `retry-after-ms` or `x-should-retry`. */
      readonly headers?: Readonly<Record<string, string>>;
      /** `error.code` of the body, such as `insufficient_quota`. */
      readonly code?: string;
      /** `error.message` of the body; tests put secrets here that must not get out. */
      readonly message?: string;
    }
  | {
      /**
       * `reset`: the connection breaks; `stall`: silence until the client leaves; `garbage`: bytes that are no protocol;
       * `truncate`: a clean end without a finish; `error-event`: an error as an event of the stream.
       */
      readonly kind: 'reset' | 'stall' | 'garbage' | 'truncate' | 'error-event';
      readonly afterTokens?: number;
      readonly code?: string;
    };

/** How calls are answered; every field has a default, and later sources overrule earlier ones. */
export interface Behaviour {
  /** Milliseconds before the first token, or before the response where nothing is streamed. */
  readonly firstTokenMs: number;
  /** Milliseconds between tokens. */
  readonly tokenMs: number;
  /** Exactly so many tokens of answer; null leaves its length to the text. */
  readonly tokens: number | null;
  /** The answer's text, word for word; null composes one from the prompt. */
  readonly answer: string | null;
  /** Text sent as `reasoning_content` before the answer. */
  readonly reasoning: string | null;
  /** Calls of tools in place of an answer. */
  readonly toolCalls: readonly { readonly name: string; readonly arguments: unknown }[] | null;
  /** Calls this tool, or each of several with commas between, once after each user message, and answers with the results. */
  readonly tool: string | null;
  readonly failure: Failure | null;
  /** Whether usage is reported. */
  readonly usage: boolean;
  /** Length of vectors; null takes the request's `dimensions`, or 384. */
  readonly dimensions: number | null;
  /** `words`: texts that share words are near; `hash`: random per text, cheaper; `constant`: all equal, free. */
  readonly vectors: 'words' | 'hash' | 'constant';
}

/** What is answered unless something else is ordered: at once, from the prompt, without failure. */
export const plainBehaviour: Behaviour = {
  firstTokenMs: 0,
  tokenMs: 0,
  tokens: null,
  answer: null,
  reasoning: null,
  toolCalls: null,
  tool: null,
  failure: null,
  usage: true,
  dimensions: null,
  vectors: 'words',
};

const numberFields = new Set(['firstTokenMs', 'tokenMs', 'tokens', 'dimensions']);

/**
 * Reads a behaviour from a model's name, `fake?firstTokenMs=20&tokenMs=5&tokens=100`, so that a model row alone orders
 * it. `status`, `retryAfter`, and `reset`, `stall`, `garbage` or `truncate` (= after so many tokens) order failures.
 * Throws on a field that does not exist, since a misspelt fault would look like a passed test.
 */
export function behaviourOfModel(model: string): Partial<Behaviour> {
  const mark = model.indexOf('?');
  if (mark < 0) return {};
  const fields: Record<string, unknown> = {};
  for (const [name, value] of new URLSearchParams(model.slice(mark + 1))) {
    if (numberFields.has(name)) fields[name] = Number(value);
    else if (name === 'usage') fields[name] = value === 'true';
    else if (name === 'status') fields['failure'] = { kind: 'status', status: Number(value), headers: {} };
    else if (name === 'retryAfter') fields['failure'] = withRetryAfter(fields['failure'], value);
    else if (['reset', 'stall', 'garbage', 'truncate'].includes(name)) {
      fields['failure'] = { kind: name, afterTokens: Number(value) };
    } else if (name in plainBehaviour) fields[name] = value;
    else throw new Error(`The fake provider knows no behaviour ${name} (in model ${model}).`);
  }
  return fields;
}

function withRetryAfter(failure: unknown, value: string): Failure {
  const status = typeof failure === 'object' && failure !== null && 'status' in failure ? Number(failure.status) : 429;
  return { kind: 'status', status, headers: { 'retry-after': value } };
}
