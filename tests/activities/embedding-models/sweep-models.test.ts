import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { v7 } from 'uuid';
import { settleVectorIndexes } from '../../../activities/embedding-models/build-vector-indexes.ts';
import { createSweepIndexes, createSweepMoves } from '../../../activities/embedding-models/sweep-models.ts';
import { endMove, requestMove } from '../../../entities/agents/embedding-move-repository.ts';
import { setVectorIndex } from '../../../entities/agents/vector-index-repository.ts';
import { query } from '../../../entities/sql.ts';
import { createDatabase, type Database } from '../../../platform/database.ts';
import { Library } from '../../retrieval/library.ts';
import { testDatabase } from '../../support/servers/test-database.ts';

const { url } = testDatabase();
let database: Database;
let library: Library;
let started: string[] = [];

beforeAll(async () => {
  database = createDatabase({ DATABASE_URL: url, PERDURE_DATABASE_POOL: 10 }, 'sweep-models-test');
  library = await new Library(database).create();
}, 120_000);
afterAll(() => database.close());

const deps = () => ({
  database,
  startMove: async ({ moveId }: { moveId: string }) => void started.push(moveId),
  startIndexing: async ({ modelId }: { modelId: string }) => void started.push(modelId),
});

test('a move whose workflow never started, was ended, or has not cleared up is started; one at work is left alone', async () => {
  const { workspaceId, manuals: knowledgeSourceId, modelId } = library;
  const sweep = createSweepMoves(deps());
  const sweptNow = async () => {
    started = [];
    await sweep();
    return started;
  };
  const key = { workspaceId, moveId: v7() };
  const age = (seconds: number) =>
    database.asOperator((em) =>
      query(em, `update embedding_moves set updated_at = now() - make_interval(secs => $2) where id = $1`, [
        key.moveId,
        seconds,
      ]),
    );
  await database.inWorkspace(workspaceId, (em) =>
    requestMove(em, { ...key, knowledgeSourceId, ragToolId: null, modelId }),
  );
  expect(await sweptNow()).toEqual([]);
  await age(4);
  expect(await sweptNow()).toEqual([key.moveId]);
  expect(await sweptNow()).toEqual([]);
  await database.asOperator((em) => query(em, `update embedding_moves set state = 'running'`));
  await age(60);
  expect(await sweptNow()).toEqual([]);
  await age(121);
  expect(await sweptNow()).toEqual([key.moveId]);
  const error = { code: 'cancelled', detail: 'on request' };
  const end = (state: 'cancelled' | 'failed') =>
    database.inWorkspace(workspaceId, (em) => endMove(em, key, { state, error }));
  // A step whose answer was lost asks again, and must hear that there is something to clear.
  expect([await end('cancelled'), await end('cancelled'), await end('failed')]).toEqual([true, true, false]);
  await age(121);
  expect(await sweptNow()).toEqual([key.moveId]);
  await database.asOperator((em) => query(em, `update embedding_moves set is_cleared = true`));
  await age(121);
  expect(await sweptNow()).toEqual([]);
});

test('R27: a move that ends gives up its own open calls, and none that a move of another source to the same model makes', async () => {
  const { workspaceId, manuals, letters, modelId } = library;
  const chunk = [{ content: 'a text', vector: [1, 0, 0] }];
  const own = await library.add('manual', chunk, { sourceId: manuals });
  const other = await library.add('letter', chunk, { sourceId: letters });
  const moves = [manuals, letters].map((knowledgeSourceId) => ({ workspaceId, moveId: v7(), knowledgeSourceId }));
  for (const move of moves)
    await database.inWorkspace(workspaceId, (em) => requestMove(em, { ...move, ragToolId: null, modelId }));
  await database.asOperator((em) =>
    query(
      em,
      `insert into usage_metrics (id, workspace_id, entity_type, entity_id, model_id, step, attempt)
       select gen_random_uuid(), $1, 'document', id, $2, 0, 1 from unnest($3::uuid[]) as d (id)`,
      [workspaceId, modelId, [own, other]],
    ),
  );
  const states = async () => {
    const rows = await database.asOperator((em) =>
      query<{ id: string; state: string }>(em, `select entity_id as id, state from usage_metrics`),
    );
    return Object.fromEntries(rows.map(({ id, state }) => [id, state]));
  };
  const error = { code: 'cancelled', detail: 'on request' };
  const end = (move: { workspaceId: string; moveId: string }) =>
    database.inWorkspace(workspaceId, (em) => endMove(em, move, { state: 'cancelled', error }));
  await end(moves[0]!);
  expect(await states()).toEqual({ [own]: 'unknown', [other]: 'started' });
  await end(moves[1]!);
  expect(await states()).toEqual({ [own]: 'unknown', [other]: 'unknown' });
});

test('R21 indexes that are not what their model asks for are built, those that are cost nothing', async () => {
  const sweep = createSweepIndexes(deps());
  started = [];
  expect(await sweep()).toEqual({ swept: 0 });
  await database.asOperator((em) => setVectorIndex(em, library.modelId, { metrics: ['cosine', 'l2'], min_rows: 0 }));
  expect(await sweep()).toEqual({ swept: 1 });
  expect(started).toEqual([library.modelId]);
  await settleVectorIndexes(database, library.modelId, new AbortController().signal);
  expect(await sweep()).toEqual({ swept: 0 });
});

test('a change of indexes whose workflow never started is started a few seconds later, and looked at no more once it is old', async () => {
  const { modelId } = library;
  const sweptAfter = async (seconds: number) => {
    started = [];
    await database.asOperator((em) =>
      query(em, `update models set updated_at = now() - make_interval(secs => $2) where id = $1`, [modelId, seconds]),
    );
    await createSweepMoves(deps())();
    return started;
  };
  await database.asOperator((em) => setVectorIndex(em, modelId, { metrics: ['cosine', 'inner_product'], min_rows: 0 }));
  expect(await sweptAfter(1)).toEqual([]);
  expect(await sweptAfter(5)).toEqual([modelId]);
  expect(await sweptAfter(1000)).toEqual([]);
  await settleVectorIndexes(database, modelId, new AbortController().signal);
  expect(await sweptAfter(5)).toEqual([]);
});
