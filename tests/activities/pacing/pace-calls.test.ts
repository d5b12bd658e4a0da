import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { paceCall, type ModelToPace } from '../../../activities/pacing/pace-calls.ts';
import { blockModelCalls, reserveModelCall } from '../../../entities/usage/rate-limit-repository.ts';
import { createDatabase, type Database } from '../../../platform/database.ts';
import { ProviderError } from '../../../providers/provider-error.ts';
import { testDatabase } from '../../support/servers/test-database.ts';
import { createIngestWorkspace, type IngestWorkspace } from '../../support/workspaces/ingest-workspace.ts';

const rows = testDatabase();
let database: Database;
let workspace: IngestWorkspace;
let model: ModelToPace;

beforeAll(() => {
  database = createDatabase({ DATABASE_URL: rows.url, PERDURE_DATABASE_POOL: 16 }, 'test');
});
beforeEach(async () => {
  workspace = await createIngestWorkspace(database, { provider: 'openai', endpoint: 'http://127.0.0.1:1/v1' });
  const { workspaceId, modelId } = workspace;
  model = { workspaceId, modelId, provider: 'openai', capabilities: {} };
});
afterAll(() => database?.close());

async function limit(limits: Record<string, number>): Promise<void> {
  model.capabilities = limits;
  await workspace.query(`update models set capabilities = capabilities || $1::jsonb where id = $2`, [
    JSON.stringify(limits),
    model.modelId,
  ]);
}

const reserve = (tokens = 1, patienceMs = 20_000) =>
  database.autocommit((em) => reserveModelCall(em, model, { tokens, patienceMs }));
const pace = (call: () => Promise<number>, tokens = 1) =>
  paceCall(database, model, { tokens, signal: new AbortController().signal }, { call, tokensOf: (result) => result });

/** When `calls` made at once would take place, in seconds from the first. */
async function moments(calls: number, tokens = 1): Promise<number[]> {
  const begun = performance.now();
  const booked = await Promise.all(
    Array.from({ length: calls }, async () => {
      const { waitMs } = await reserve(tokens);
      return performance.now() - begun + waitMs;
    }),
  );
  const sorted = booked.toSorted((a, b) => a - b);
  return sorted.map((moment) => (moment - sorted[0]!) / 1000);
}

describe('the limit of requests', () => {
  test('R8: no minute holds more of them, however many workers book at once', async () => {
    await limit({ requestsPerMinute: 120 });
    const booked = await moments(400);
    for (const [index, moment] of booked.entries()) {
      const inMinute = booked.filter((other) => other >= moment && other < moment + 60).length;
      // The booking's own time stands for a moment that the database chose some milliseconds earlier.
      expect(inMinute).toBeLessThanOrEqual(121);
      if (index === 11) expect(moment).toBeLessThan(2);
    }
    // And none is wasted: the burst at once, the rest evenly.
    expect(booked.at(-1)).toBeLessThan((400 - 12) * (60 / 109) + 2);
  });

  test('of one a minute is one a minute', async () => {
    await limit({ requestsPerMinute: 1 });
    expect((await reserve()).waitMs).toBe(0);
    expect((await reserve()).waitMs).toBeGreaterThan(59_000);
  });
});

describe('the limit of tokens', () => {
  test('R8: holds for large and small calls, and a call larger than the burst goes out alone', async () => {
    await limit({ tokensPerMinute: 1000 });
    expect(await reserve(500)).toEqual({ waitMs: 0, granted: true });
    const { waitMs } = await reserve(10);
    // 500 tokens at 901 a minute, of which 90 may be ahead of their time.
    expect(waitMs).toBeGreaterThan(25_000);
    expect(waitMs).toBeLessThan(34_000);
  });

  test('is corrected by what the provider counted', async () => {
    await limit({ tokensPerMinute: 60_000 });
    await pace(async () => 12_001, 1);
    const { waitMs } = await reserve(1);
    expect(waitMs).toBeGreaterThan(5_000);
    await limit({ tokensPerMinute: 60_000, requestsPerMinute: 60_000 });
  });
});

describe('a provider that refuses', () => {
  test('R8, R36: holds back everybody for as long as it asks', async () => {
    const refusal = new ProviderError('rate_limited', 'Too many.', {
      retryable: true,
      retryAfterMs: 1500,
      status: 429,
    });
    await expect(pace(() => Promise.reject(refusal))).rejects.toBe(refusal);
    const begun = performance.now();
    expect(await pace(async () => 1)).toBe(1);
    expect(performance.now() - begun).toBeGreaterThan(1400);
    expect(await reserve()).toEqual({ waitMs: 0, granted: true });
  });

  test('for long is waited for outside of the worker, and nothing is booked meanwhile', async () => {
    await limit({ requestsPerMinute: 1 });
    await database.autocommit((em) => blockModelCalls(em, model, 60_000));
    let called = false;
    const call = async () => Number((called = true));
    await expect(pace(call)).rejects.toMatchObject({ type: 'provider_rate_limited', nonRetryable: false });
    expect(called).toBe(false);
    await workspace.query(`update rate_limits set blocked_until = null where model_id = $1`, [model.modelId]);
    expect(await reserve()).toEqual({ waitMs: 0, granted: true });
  });
});

test('a model without limits books nothing, and one on this machine does not even ask', async () => {
  expect(await pace(async () => 7)).toBe(7);
  const unreachable = { ...database, autocommit: () => Promise.reject(new Error('asked')) };
  const local = { ...model, provider: 'local' };
  const signal = new AbortController().signal;
  expect(await paceCall(unreachable, local, { tokens: 1, signal }, { call: async () => 3, tokensOf: () => null })).toBe(
    3,
  );
  expect(await workspace.query(`select 1 from rate_limits where model_id = $1`, [model.modelId])).toEqual([]);
});
