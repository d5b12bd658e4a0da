import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import {
  blockModelCalls,
  bookModelCall,
  correctModelCall,
  type CallPriority,
} from '../../../entities/usage/rate-limit-repository.ts';
import { createDatabase, type Database } from '../../../platform/database.ts';
import { testDatabase } from '../../support/servers/test-database.ts';
import { createIngestWorkspace, type IngestWorkspace } from '../../support/workspaces/ingest-workspace.ts';

const rows = testDatabase();
let database: Database;
let workspace: IngestWorkspace;

beforeAll(() => {
  database = createDatabase({ DATABASE_URL: rows.url, PERDURE_DATABASE_POOL: 8 }, 'test');
});
afterAll(() => database.close());
beforeEach(async () => {
  workspace = await createIngestWorkspace(database);
});

const limit = (capabilities: Record<string, number>) =>
  workspace.query(`update models set capabilities = $1 where id = $2`, [
    JSON.stringify(capabilities),
    workspace.modelId,
  ]);
const model = () => ({ workspaceId: workspace.workspaceId, modelId: workspace.modelId });
type Asked = { tokens?: number; booked?: string | null; longestPauseMs?: number; longestWaitMs?: number };
const book = (priority: CallPriority, asked: Asked = {}) =>
  database.autocommit((em) => bookModelCall(em, model(), { tokens: 1, priority, ...asked }));
const shift = (interval: string) =>
  workspace.query(
    `update rate_limits set requests_made_until = requests_made_until - $1::interval,
            requests_paid_until = requests_paid_until - $1::interval where model_id = $2`,
    [interval, workspace.modelId],
  );
const at = (moment: string | null) => Date.parse(moment!);
// A minute of 20 calls: two at once, of which batches may have one, and one each 3,158 ms.
const twenty = { requestsPerMinute: 20 };
const stepMs = 60_000 / 19;

function expectApart(moments: readonly number[]) {
  for (const [index, moment] of moments.entries())
    if (index > 0) expect(moment - moments[index - 1]!).toBeGreaterThan(stepMs - 5);
}

test('calls beyond what may go out at once are given moments one after the other, and are counted when these come', async () => {
  await limit(twenty);
  expect(await book('batch')).toMatchObject({ waitMs: 0, isCounted: true });
  const moments = [];
  for (let call = 1; call <= 4; call += 1) {
    const turn = await book('batch');
    expect(turn.isCounted).toBe(false);
    moments.push(at(turn.moment));
  }
  expectApart(moments);
  // Whoever comes too early keeps its place, and the next one stands behind it.
  const early = await book('batch', { booked: new Date(moments[3]!).toISOString() });
  expect(early.isCounted).toBe(false);
  expect(at(early.moment)).toBe(moments[3]);
  expectApart([moments[3]!, at((await book('batch')).moment)]);
  await shift('3200 milliseconds');
  const come = await book('batch', { booked: new Date(moments[0]! - 3200).toISOString() });
  expect(come).toMatchObject({ isCounted: true });
});

test('R8: a minute holds no more than the limit, also when many come late and all at once', async () => {
  await limit(twenty);
  await book('batch');
  const booked = [];
  for (let call = 1; call <= 15; call += 1) booked.push((await book('batch')).moment);
  // As if nobody had come for a minute.
  await shift('60 seconds');
  const turns = [];
  for (const moment of booked) turns.push(await book('batch', { booked: new Date(at(moment) - 60_000).toISOString() }));
  expect(turns[0]).toMatchObject({ waitMs: 0, isCounted: true });
  expect(turns.filter(({ isCounted }) => isCounted).length).toBeLessThan(5);
  const moments = turns.map(({ moment }) => at(moment));
  expectApart(moments);
  expect(moments.at(-1)! - moments[0]!).toBeLessThan(60 * stepMs);
});

test('a question goes ahead of the batches that are booked, and batches leave room for it', async () => {
  await limit(twenty);
  for (let call = 1; call <= 40; call += 1) await book('batch');
  expect(await book('question')).toMatchObject({ waitMs: 0, isCounted: true });
  const second = await book('question');
  expect(second.waitMs).toBeLessThan(1.1 * stepMs);
});

test('tokens beyond the estimate are booked later, and a call that was not made is given back', async () => {
  await limit({ tokensPerMinute: 6000 });
  const soonest = async () => Date.now() + (await book('turn', { tokens: 1, longestWaitMs: 0 })).waitMs;
  await book('turn', { tokens: 600 });
  await book('turn', { tokens: 600 });
  const before = await soonest();
  await database.autocommit((em) => correctModelCall(em, model(), { extraRequests: 0, extraTokens: 3000 }));
  const added = (await soonest()) - before;
  expect(added / ((3000 / 5401) * 60_000)).toBeCloseTo(1, 1);
  await database.autocommit((em) => correctModelCall(em, model(), { extraRequests: 0, extraTokens: -4200 }));
  expect(await book('turn', { tokens: 1 })).toMatchObject({ waitMs: 0 });
});

test('what is further off than a caller has patience for is not booked', async () => {
  await limit(twenty);
  for (let call = 1; call <= 8; call += 1) await book('batch');
  const refused = await book('batch', { longestWaitMs: 1000 });
  expect(refused).toMatchObject({ moment: null, isCounted: false });
  const again = await book('batch', { longestWaitMs: 1000 });
  expect(again.waitMs).toBeLessThanOrEqual(refused.waitMs);
  await database.autocommit((em) => blockModelCalls(em, model(), 60_000));
  expect(await book('turn', { longestPauseMs: 20_000 })).toMatchObject({ moment: null });
});

test('a changed limit begins the queue anew, for those who wait too', async () => {
  await limit({ requestsPerMinute: 1 });
  await book('batch');
  let last = null;
  for (let call = 1; call <= 30; call += 1) last = (await book('batch')).moment;
  expect(at(last) - Date.now()).toBeGreaterThan(20 * 60_000);
  await limit({ requestsPerMinute: 6000 });
  // The one call that was made under the old limit still counts.
  const first = await book('batch', { booked: last });
  expect(first.waitMs).toBeLessThan(61_000);
});

test('a pause that a provider asks for is kept by those who were booked before it', async () => {
  await limit(twenty);
  for (let call = 1; call <= 5; call += 1) await book('batch');
  const { moment } = await book('batch');
  await database.autocommit((em) => blockModelCalls(em, model(), 30_000));
  await shift('3 seconds');
  const turn = await book('batch', { booked: new Date(at(moment) - 3000).toISOString() });
  expect(turn.isCounted).toBe(false);
  // Without the pause its moment would come in less than 16 s.
  expect(turn.waitMs).toBeGreaterThan(20_000);
});
