import { ApplicationFailure, type Context } from '@temporalio/activity';
import { ActivityNotFoundError } from '@temporalio/client';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import type { ErrorCode } from '../contracts/errors.ts';

const code: ErrorCode = 'fenced';
// Whoever cannot ask goes on: the rows fence what is written too late.
const patienceMs = 2000;

/**
 * Runs no attempt that Temporal has given up. A worker that was frozen finds tasks in its connections that were handed to
 * it meanwhile: begun after all, each of them would take the work from its own successor and pay for it once more.
 */
export const staleAttemptGuard: ActivityInterceptorsFactory = (context) => ({
  inbound: {
    async execute(input, next) {
      if (isOld(context) && (await isGivenUp(context)))
        throw ApplicationFailure.create({
          type: code,
          message: `Attempt ${context.info.attempt} of this step came too late and did nothing; a later one has its work.`,
        });
      return next(input);
    },
  },
});

/**
 * Whether it was handed out so long ago that Temporal may not wait for it any more, or not until its first heartbeat; it
 * may also have waited in the queue.
 */
function isOld({ info }: Context): boolean {
  const timeoutMs = info.heartbeatTimeoutMs ?? info.startToCloseTimeoutMs;
  return !info.isLocal && Date.now() - info.currentAttemptScheduledTimestampMs >= timeoutMs / 2;
}

/** The question is a heartbeat, which gives an attempt that is still waited for its whole time again. */
async function isGivenUp({ client, info }: Context): Promise<boolean> {
  try {
    await client.withDeadline(Date.now() + patienceMs, () => client.activity.heartbeat(info.taskToken));
    return false;
  } catch (error) {
    return error instanceof ActivityNotFoundError;
  }
}
