import { ProviderError } from '../provider-error.ts';

type Fetch = typeof globalThis.fetch;
type Guard = <Result>(wait: Promise<Result>) => Promise<Result>;

// An answer's body ends right behind its last event; one that does not is cut off.
const longestRestMs = 1000;
const longestRestBytes = 65_536;

/**
 * Wraps fetch so that a provider that sends no byte of its answer's body for `firstByteTimeoutMs` milliseconds, or none
 * for `stallTimeoutMs` after the first, ends the request with a ProviderError `timeout`. Only waiting counts: a slow
 * reader of the body is not the provider's silence. The end of a body that its reader leaves early without an abort, as the
 * OpenAI SDK does after `[DONE]`, is read all the same, so that the connection serves the next request too.
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
    const guard: Guard = async (wait) => {
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
    const signal = AbortSignal.any(signals);
    const response = await guard(fetch(input, { ...init, signal }));
    if (response.body === null) return response;
    const { status, statusText, headers } = response;
    const onByte = () => {
      isFirst = false;
    };
    const body = guardBody(response.body, { guard, onByte, signal });
    return new Response(body, { status, statusText, headers });
  };
}

function guardBody(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  { guard, onByte, signal }: { guard: Guard; onByte: () => void; signal: AbortSignal },
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
      cancel: async (reason) => {
        if (signal.aborted) await reader.cancel(reason);
        // Not awaited: the answer is there.
        else void readRest(reader, signal);
      },
    },
    // No reading ahead: the timer must run only while somebody waits.
    { highWaterMark: 0 },
  );
}

/** Reads what is left of a body: to cancel it would close the connection. */
async function readRest(reader: ReadableStreamDefaultReader<Uint8Array>, signal: AbortSignal): Promise<void> {
  const cut = () => void reader.cancel().catch(() => {});
  const timer = setTimeout(cut, longestRestMs);
  try {
    for (let bytes = 0; bytes <= longestRestBytes && !signal.aborted;) {
      const { done, value } = await reader.read();
      if (done) return;
      bytes += value.byteLength;
    }
    cut();
  } catch {
    // The connection broke after the answer, which nobody needs to know.
  } finally {
    clearTimeout(timer);
  }
}

function stallError(stallMs: number): ProviderError {
  const message = `The provider sent nothing for ${stallMs} ms and was cut off (timeout): try again later.`;
  return new ProviderError('timeout', message, { retryable: true });
}
