import { ApplicationFailure, Context } from '@temporalio/activity';
import type { ErrorCode } from '../../contracts/errors.ts';
import type { DeliverWebhookInput, DeliverWebhookResult } from '../../contracts/names/workflows.ts';
import {
  buryDelivery,
  noteDelivered,
  noteFailedAttempt,
  readDelivery,
  type OpenDelivery,
} from '../../entities/webhooks/webhook-delivery-repository.ts';
import { FetchError } from '../../providers/fetch/fetch-error.ts';
import type { GuardedResponse } from '../../providers/fetch/guarded-fetch.ts';
import { retryAfterMs } from '../../providers/fetch/retry-after.ts';
import { signMessage } from '../../providers/webhooks/sign-message.ts';
import { toFailure } from '../conversation/turn-failure.ts';
import type { WebhookDeps } from './webhook-deps.ts';

/** Standard Webhooks asks receivers to answer within 15 s and senders not to wait for longer than 30. */
const answerWithinMs = 15_000;
// A worker that died is noticed after 10 s (workflows/activity-options.ts).
const heartbeatEveryMs = 2_000;
// Of the answer only the status counts.
const mostAnswerBytes = 16 * 1024;
// What asks for more than that is asked again by the usual pace.
const longestRetryAfterMs = 60 * 60 * 1000;

/** Why an attempt failed, and whether another may do better. */
type Fault = { status: number | null; code: ErrorCode; detail: string; isFinal: boolean; retryAfterMs: number | null };

/**
 * Sends a message to its webhook once and notes how that went. Everything but a 2xx is a failure to be tried again,
 * redirects included, except 410 and addresses that may not be reached. A worker that dies between sending and noting has
 * it sent again, under the same `webhook-id`.
 */
export function createSendWebhook(deps: WebhookDeps): (input: DeliverWebhookInput) => Promise<DeliverWebhookResult> {
  return async function sendWebhook(input) {
    const { inWorkspace } = deps.database;
    const context = Context.current();
    const heartbeat = setInterval(() => context.heartbeat(), heartbeatEveryMs);
    try {
      const delivery = await inWorkspace(input.workspaceId, (em) => readDelivery(em, input));
      if (delivery?.state !== 'pending') return { state: delivery?.state ?? 'gone' };
      if (delivery.closed !== null) {
        const detail = `The webhook is ${delivery.closed}: nothing is sent to it.`;
        await inWorkspace(input.workspaceId, (em) => buryDelivery(em, input, { code: 'cancelled', detail }));
        return { state: 'dead' };
      }
      const outcome = await send(deps, input.deliveryId, delivery);
      if (!('code' in outcome)) {
        await inWorkspace(input.workspaceId, (em) => noteDelivered(em, input, outcome.status));
        return { state: 'delivered' };
      }
      const { status, code, detail } = outcome;
      await inWorkspace(input.workspaceId, (em) => noteFailedAttempt(em, input, { status, error: { code, detail } }));
      throw failureOf(outcome);
    } catch (error) {
      context.cancellationSignal.throwIfAborted();
      throw toFailure(error);
    } finally {
      clearInterval(heartbeat);
    }
  };
}

async function send(
  deps: WebhookDeps,
  id: string,
  { url, body, secrets }: OpenDelivery,
): Promise<{ status: number } | Fault> {
  const opened = secrets.map((secret) => deps.openSealed(secret));
  const signed = signMessage({ id, body }, opened, new Date());
  let answer: GuardedResponse;
  try {
    answer = await deps.fetch({
      url,
      method: 'POST',
      headers: { 'content-type': 'application/json', ...signed },
      body: Buffer.from(body),
      maxRedirects: 0,
      timeoutMs: answerWithinMs,
      maxBytes: mostAnswerBytes,
      cutsBody: true,
      signal: Context.current().cancellationSignal,
    });
  } catch (error) {
    if (!(error instanceof FetchError)) throw error;
    const { code, detail, retryable, retryAfterMs: wait } = error;
    return { status: null, code, detail, isFinal: !retryable, retryAfterMs: wait };
  }
  const { status, headers } = answer;
  if (status >= 200 && status < 300) return { status };
  const detail = `The receiver answered ${status}; 2xx says that it took the message.`;
  if (status === 410) return { status, code: 'fetch_refused', detail, isFinal: true, retryAfterMs: null };
  return { status, code: 'fetch_failed', detail, isFinal: false, retryAfterMs: retryAfterMs(new Headers(headers)) };
}

function failureOf({ code, detail, isFinal, retryAfterMs: wait }: Fault): ApplicationFailure {
  return ApplicationFailure.create({
    type: code,
    message: detail,
    nonRetryable: isFinal,
    ...(wait === null || wait === 0 ? {} : { nextRetryDelay: Math.min(wait, longestRetryAfterMs) }),
  });
}
