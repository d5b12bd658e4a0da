import { ProviderError } from '../provider-error.ts';

type Fetch = typeof globalThis.fetch;

/**
 * Wraps fetch so that a provider that sends no byte of its answer's body for `firstByteTimeoutMs` milliseconds, or none
 * for `stallTimeoutMs` after the first, ends the request with a ProviderError `timeout`. Only waiting counts: a slow
 * reader of the body is not the provider's silence.
 */
export function guardAgainstStalls(
  fetch: Fetch,
  { firstByteTimeoutMs, stallTimeoutMs }: { firstByteTimeoutMs: number; stallTimeoutMs: number },
): Fetch {
  return async (input, init) => {
    const stalled = new AbortController();
    const signals = init?.signal == null ? [stalled.signal] : [init.signal, stalled.signal];
    const began = performance.now();
    let isFirst = true;
    const guard = async <Result>(wait: Promise<Result>): Promise<Result> => {
      // Headers are sent long before a model has thought: they are no sign of life.
      const left = isFirst ? Math.max(1, firstByteTimeoutMs - (performance.now() - began)) : stallTimeoutMs;
      const silence = isFirst ? firstByteTimeoutMs : stallTimeoutMs;
      const timer = setTimeout(() => stalled.abort(stallError(silence)), left);
      try {
        return await wait;
      } catch (error) {
        // undici reports the abort in words of its own; the reason is what happened.
        throw stalled.signal.aborted ? stalled.signal.reason : error;
      } finally {
        clearTimeout(timer);
      }
    };
    const response = await guard(fetch(input, { ...init, signal: AbortSignal.any(signals) }));
    if (response.body === null) return response;
    const { status, statusText, headers } = response;
    const body = guardBody(response.body, guard, () => {
      isFirst = false;
    });
    return new Response(body, { status, statusText, headers });
  };
}

function guardBody(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  guard: <Result>(wait: Promise<Result>) => Promise<Result>,
  onByte: () => void,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const reader = body.getReader();
  return new ReadableStream(
    {
      async pull(controller) {
        const { done, value } = await guard(reader.read());
        onByte();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: (reason) => reader.cancel(reason),
    },
    // No reading ahead: the timer must run only while somebody waits.
    { highWaterMark: 0 },
  );
}

function stallError(stallMs: number): ProviderError {
  const message = `The provider sent nothing for ${stallMs} ms and was cut off (timeout): try again later.`;
  return new ProviderError('timeout', message, { retryable: true });
}
