import { describe, expect, test } from '@jest/globals';
import { generationFenced, ingestionFailure } from '../../../activities/ingestion/ingestion-failure.ts';
import { PerdureError } from '../../../contracts/errors.ts';
import { ProviderError } from '../../../providers/provider-error.ts';

const databaseError = (code: string) => Object.assign(new Error('failing row contains (secret)'), { code });

describe('ingestionFailure', () => {
  test.each([
    ['a fault of the program', new TypeError('x is undefined')],
    ['a value that the column refuses', databaseError('22P02')],
    ['a constraint', databaseError('23514')],
    ['a missing column', databaseError('42703')],
  ])('does not try %s again, and tells none of its values', (_, error) => {
    const failure = ingestionFailure(error);
    expect(failure).toMatchObject({ type: 'internal', nonRetryable: true });
    expect(JSON.stringify([failure.message, failure.cause, failure.details])).not.toMatch(/secret|undefined/);
  });

  test.each([
    ['a deadlock', databaseError('40P01')],
    ['a server that shuts down', databaseError('57P01')],
    ['a lost connection', new PerdureError('unavailable', 'The database cannot be reached.')],
    ['anything unknown', new Error('who knows')],
  ])('tries %s again', (_, error) => {
    expect(ingestionFailure(error).nonRetryable).toBeFalsy();
  });

  test('R36: waits as long as the provider asks, and knows what no retry can mend', () => {
    const limited = new ProviderError('rate_limited', 'slow down', { retryable: true, retryAfterMs: 7000 });
    const refused = new ProviderError('authentication', 'wrong key', { retryable: false });
    expect(ingestionFailure(limited)).toMatchObject({ type: 'provider_rate_limited', nextRetryDelay: 7000 });
    expect(ingestionFailure(refused)).toMatchObject({ type: 'provider_authentication', nonRetryable: true });
    expect(generationFenced()).toMatchObject({ type: 'fenced', nonRetryable: true });
  });
});
