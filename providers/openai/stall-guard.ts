import { ProviderError } from '../provider-error.ts';

type Fetch = typeof globalThis.fetch;

/**
 * Wraps fetch so that a provider that sends no byte for `stallMs` milliseconds, before or within the body, ends the
 * request with a ProviderError `timeout`. Only waiting counts: a slow reader of the body is not the provider's silence.
 */
export function guardAgainstStalls(fetch: Fetch, stallMs: number): Fetch {
  return async (input, init) => {
    const stalled = new AbortController();
    const signals = init?.signal == null ? [stalled.signal] : [init.signal, stalled.signal];
    const guard = async <Result>(wait: Promise<Result>): Promise<Result> => {
      const timer = setTimeout(() => stalled.abort(stallError(stallMs)), stallMs);
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
    return new Response(guardBody(response.body, guard), { status, statusText, headers });
  };
}

function guardBody(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  guard: <Result>(wait: Promise<Result>) => Promise<Result>,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const reader = body.getReader();
  return new ReadableStream(
    {
      async pull(controller) {
        const { done, value } = await guard(reader.read());
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
