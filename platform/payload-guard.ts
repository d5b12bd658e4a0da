import { ApplicationFailure } from '@temporalio/activity';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import type { ErrorCode } from '../contracts/errors.ts';
import { maxPayloadBytes } from '../contracts/names/limits.ts';

const code: ErrorCode = 'payload_too_large';

/**
 * Refuses an activity's result that is too large for a history, once and for good: an oversized result that is retried
 * does the work again and again. Results are ids, ranges and verdicts; text and vectors belong in PostgreSQL.
 */
export const payloadGuard: ActivityInterceptorsFactory = (context) => ({
  inbound: {
    async execute(input, next) {
      const result = await next(input);
      const bytes = result === undefined ? 0 : Buffer.byteLength(JSON.stringify(result));
      if (bytes <= maxPayloadBytes) return result;
      throw ApplicationFailure.create({
        type: code,
        message:
          `The step ${context.info.activityType} returned ${bytes} bytes, more than the ${maxPayloadBytes} that a history ` +
          'takes. This is a fault of Perdure: please report it with the workflow id.',
        nonRetryable: true,
      });
    },
  },
});
