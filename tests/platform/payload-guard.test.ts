import { describe, expect, test } from '@jest/globals';
import { ApplicationFailure } from '@temporalio/common';
import type { Context } from '@temporalio/activity';
import { maxPayloadBytes } from '../../contracts/names/limits.ts';
import { payloadGuard } from '../../platform/payload-guard.ts';

describe('payloadGuard (R35)', () => {
  const { inbound } = payloadGuard({ info: { activityType: 'step' } } as Context);
  const run = async (result: unknown) => inbound?.execute?.({ args: [], headers: {} }, async () => result);

  test('a result as large as the limit passes', async () => {
    const text = 'x'.repeat(maxPayloadBytes - 2);
    await expect(run(text)).resolves.toBe(text);
    await expect(run(undefined)).resolves.toBeUndefined();
  });

  test('a larger one fails the step once, with its name and its size', async () => {
    const failure = await run('x'.repeat(3_000_000)).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ApplicationFailure);
    expect(failure).toMatchObject({ type: 'payload_too_large', nonRetryable: true });
    expect((failure as Error).message).toContain('step returned 3000002 bytes');
  });
});
