import { describe, expect, jest, test } from '@jest/globals';
import { ApplicationFailure } from '@temporalio/common';
import { createSweepAcceptedDocuments } from '../../activities/ingestion/sweep-accepted-documents.ts';
import { cancelDocuments } from '../../entities/documents/cancel-documents.ts';
import { deleteOrphans } from '../../entities/documents/orphan-repository.ts';
import { deleteDocument } from '../../entities/documents/document-repository.ts';
import { ingestHarness, markdownBytes, type Key } from '../support/workspaces/ingest-harness.ts';
import type { StepName } from '../support/workspaces/ingest-worker.ts';
import { putBudgetOf } from '../support/workspaces/put-budget.ts';
import { until } from '../support/until.ts';

jest.setTimeout(120_000);
const h = ingestHarness();

describe('a provider that limits', () => {
  test('R8, R37: 30 % of 429 with Retry-After: complete, one request an attempt, no stored chunk paid again', async () => {
    const key = await h.accept(markdownBytes(12));
    let calls = 0;
    // Every third request is refused, as long as the document takes.
    const refuse = {
      on: 'embeddings',
      failure: { kind: 'status', status: 429, headers: { 'retry-after': '1' } },
    } as const;
    h.provider.control({
      script: Array.from({ length: 12 }, () => (++calls % 3 === 0 ? refuse : { on: 'embeddings' as const })),
    });
    await h.start(key);
    await h.ended(key);
    await h.expectServed(key);
    const log = h.provider.log();
    const paid = log.filter((call) => call.outcome === 'finished');
    const refused = log.filter((call) => call.outcome === 'failed');
    expect(refused.length).toBeGreaterThanOrEqual(2);
    const texts = paid.reduce((sum, call) => sum + call.texts, 0);
    expect(texts).toBe((await h.workspace.document(key.documentId)).latest?.expected_chunks);
    for (const call of refused) {
      const next = log.find((other) => other.id > call.id);
      expect((next?.startedAt ?? 0) - call.startedAt).toBeGreaterThanOrEqual(1000);
    }
    const usage = await h.workspace.query<{ state: string; total_tokens: number | null }>(
      `select state, total_tokens from usage_metrics where entity_id = $1`,
      [key.documentId],
    );
    expect(usage.filter((row) => row.state === 'settled')).toHaveLength(paid.length);
    expect(usage.filter((row) => row.state === 'unknown' && row.total_tokens === null)).toHaveLength(refused.length);
    expect(usage).toHaveLength(log.length);
  });

  test('R36: a broken connection is tried again', async () => {
    h.provider.control({ script: [{ failure: { kind: 'reset' } }, { failure: { kind: 'status', status: 500 } }] });
    await h.expectServed(await h.ingest(markdownBytes(2)));
    expect(h.provider.log().length).toBeGreaterThanOrEqual(3);
  });
});

describe('a cancel and a delete', () => {
  test.each([
    ['large', 16],
    ['small', 4],
  ])(
    'R2: a cancel stops the work on a %s document and leaves nothing but the bytes for a retry',
    async (size, parts) => {
      h.provider.control({ default: { firstTokenMs: 30_000 } });
      const key = await h.start(await h.accept(markdownBytes(parts)));
      await h.called();
      const before = Date.now();
      const { workspaceId } = h.workspace;
      // As the API does it: the rows first, then the workflow.
      await h.database.inWorkspace(workspaceId, (em) =>
        cancelDocuments(em, { workspaceId, documentIds: [key.documentId] }),
      );
      await h.handle(key).cancel();
      await until(async () => h.provider.log().every((call) => call.outcome !== 'running'), {
        what: 'the end of the call',
      });
      expect(Date.now() - before).toBeLessThan(5000);
      // A small one's workflow may have met the fence before it heard of the cancel.
      const ends = size === 'large' ? ['cancelled'] : ['cancelled', 'abandoned'];
      expect(ends).toContain((await h.ended(key)).state);
      expect(await h.workspace.document(key.documentId)).toMatchObject({
        status: 'cancelled',
        error: { code: 'cancelled' },
      });
      expect(await h.workspace.stored(key.documentId)).toEqual({ chunks: 0, embeddings: 0, blobs: 1, contents: 0 });
      await until(async () => h.provider.log().every((call) => call.outcome !== 'running'), {
        what: 'the end of the call',
      });
    },
  );

  test('R3, R6: a delete during the ingest ends it quietly and leaves nothing', async () => {
    h.provider.control({ default: { firstTokenMs: 600 } });
    const key = await h.start(await h.accept(markdownBytes(4)));
    await h.called();
    const deleted = await h.database.inWorkspace(h.workspace.workspaceId, (em) =>
      deleteDocument(em, { workspaceId: h.workspace.workspaceId, documentId: key.documentId }),
    );
    expect(deleted.abandoned).toMatchObject([{ generation: 1 }]);
    expect(await h.ended(key)).toEqual({ state: 'abandoned', chunks: 0 });
    expect(await h.workspace.stored(key.documentId)).toEqual({ chunks: 0, embeddings: 0, blobs: 0, contents: 0 });
    expect(h.provider.log().length).toBeLessThanOrEqual(2);
  });
});

const stepNames: StepName[] = ['prepareDocument', 'embedChunks', 'publishGeneration', 'dropSuperseded'];
// Of more chunks than fit a workflow task, and of few.
const sizes = { large: 16, small: 5 };
const crash = () => ApplicationFailure.retryable('The worker died here.', 'internal');

describe('a crash', () => {
  async function replaced(sections: number): Promise<Key> {
    await h.ingest({ ...markdownBytes(2, 'old'), sourcePath: 'a.md' });
    h.provider.control({ reset: true });
    return h.accept({ ...markdownBytes(sections, 'new'), sourcePath: 'a.md' });
  }

  test.each([
    ...stepNames.map((name) => [name, 'large'] as const),
    ['prepareDocument', 'small'] as const,
    ['dropSuperseded', 'small'] as const,
  ])(
    'R1: before or after %s of a %s document: everything is there once, and nothing stored was paid again',
    async (crashing, size) => {
      const key = await replaced(sizes[size]);
      const crashed = new Set<string>();
      h.worker.around = async (name, run) => {
        if (name !== crashing) return run();
        if (!crashed.has('before')) {
          crashed.add('before');
          throw crash();
        }
        const result = await run();
        if (!crashed.has('after')) {
          crashed.add('after');
          throw crash();
        }
        return result;
      };
      await h.start(key);
      expect(await h.ended(key)).toMatchObject({ state: 'active' });
      expect(crashed.size).toBe(2);
      await h.expectServed(key);
      const paid = h.provider.log().reduce((sum, call) => sum + call.texts, 0);
      expect(paid).toBe((await h.workspace.document(key.documentId)).latest?.expected_chunks);
    },
  );

  test.each([
    ['publishGeneration', 'large'],
    ['prepareDocument', 'small'],
  ] as const)(
    'R6: what %s of a %s document replaced is dropped, though the news of it was lost',
    async (name, size) => {
      const key = await replaced(sizes[size]);
      h.worker.around = async (step, run) => {
        const result = await run();
        if (step === name) throw ApplicationFailure.nonRetryable('Its answer was lost.', 'internal');
        return result;
      };
      await h.start(key);
      expect(await h.ended(key)).toMatchObject({ state: 'active' });
      await h.expectServed(key);
    },
  );

  test('each step run twice gives the same answer and the same rows', async () => {
    const key = await replaced(sizes.large);
    const answers: [string, unknown, unknown][] = [];
    h.worker.around = async (name, run) => {
      const first = await run();
      const second = await run();
      answers.push([name, first, second]);
      return second;
    };
    await h.start(key);
    await h.ended(key);
    await h.expectServed(key);
    expect(new Set(answers.map(([name]) => name))).toEqual(new Set(stepNames));
    for (const [name, first, second] of answers) {
      if (name === 'embedChunks') expect(second).toEqual({ embedded: 0 });
      else if (name === 'dropSuperseded') expect(second).toEqual({ dropped: 0 });
      else expect(second).toEqual(first);
    }
  });

  test('the step of a small document run twice gives the same answer and the same rows', async () => {
    const key = await replaced(sizes.small);
    const answers: unknown[] = [];
    h.worker.around = async (name, run) => {
      if (name !== 'prepareDocument') return run();
      answers.push(await run());
      const second = await run();
      answers.push(second);
      return second;
    };
    await h.start(key);
    expect(await h.ended(key)).toMatchObject({ state: 'active' });
    expect(answers[1]).toEqual(answers[0]);
    await h.expectServed(key);
  });

  test('the compensation run twice, and after a crash, undoes everything once', async () => {
    h.provider.control({ default: { failure: { kind: 'status', status: 400 } } });
    let runs = 0;
    h.worker.around = async (name, run) => {
      if (name !== 'failGeneration') return run();
      runs += 1;
      const result = await run();
      if (runs === 1) throw crash();
      return result;
    };
    const key = await h.accept(markdownBytes(2), markdownBytes(1, 'other'));
    await h.start(key);
    expect(await h.ended(key)).toEqual({ state: 'failed', chunks: 0 });
    expect(runs).toBe(2);
    expect(await h.workspace.job(key.jobId)).toMatchObject({ status: 'processing', failed_documents: 1 });
  });

  test('a request that died between its rows and the start of the workflow is started by the sweep', async () => {
    const key = await h.accept(markdownBytes(2));
    const sweep = createSweepAcceptedDocuments({ database: h.database, ...h.starter() });
    await h.database.asOperator((em) =>
      em.execute(
        `update document_generations set created_at = now() - interval '6 seconds', updated_at = now() - interval '6 seconds'
         where document_id = ?`,
        [key.documentId],
      ),
    );
    expect((await sweep()).swept).toBeGreaterThanOrEqual(1);
    expect(await h.ended(key)).toMatchObject({ state: 'active' });
    await h.expectServed(key);
  });

  test('R1, R31: a workflow that is terminated is started again, and given up with a reason after the fifth time', async () => {
    h.provider.control({ default: { firstTokenMs: 60_000 } });
    const sweep = createSweepAcceptedDocuments({ database: h.database, ...h.starter() });
    const key = await h.start(await h.accept(markdownBytes(1)));
    const silentFor = (interval: string) =>
      h.workspace.query(
        `update document_generations set updated_at = now() - $2::interval, created_at = now() - $2::interval
         where document_id = $1`,
        [key.documentId, interval],
      );
    const latest = async () => (await h.workspace.document(key.documentId)).latest;
    const calls = (count: number) =>
      until(async () => h.provider.log().length >= count, { what: `the call of run ${count}` });
    // A terminated run may still note how its call ended, and a sweep leaves out a row that somebody writes.
    const sweptUntil = (isSeen: () => Promise<boolean>) =>
      until(
        async () => {
          await silentFor('2 minutes');
          await sweep();
          return isSeen();
        },
        { what: 'a sweep that finds it' },
      );
    await calls(1);
    await silentFor('2 minutes');
    await sweep();
    // It runs: a sweep that finds it silent leaves it alone.
    expect((await latest())?.restarts).toBe(0);
    for (let restart = 1; restart <= 5; restart += 1) {
      await h.handle(key).terminate('an operator');
      await sweptUntil(async () => (await latest())?.restarts === restart);
      await calls(restart + 1);
    }
    await silentFor('2 minutes');
    await sweep();
    expect((await latest())?.state).toBe('staging');
    await h.handle(key).terminate('an operator');
    await sweptUntil(async () => (await latest())?.state !== 'staging');
    expect(await h.workspace.document(key.documentId)).toMatchObject({
      status: 'failed',
      error: { code: 'restarted_too_often', detail: expect.stringContaining('6 times') },
    });
    expect(await h.workspace.job(key.jobId!)).toMatchObject({ status: 'failed', failed_documents: 1 });
  });

  test('R3: what a dead step left behind is cleared up, and nothing else', async () => {
    const served = await h.ingest(markdownBytes(2, 'served'));
    const broken = await h.ingest(markdownBytes(2, 'broken'));
    await h.workspace.query(
      `update document_generations set state = 'abandoned', completed_at = now() - interval '6 minutes'
       where document_id = $1`,
      [broken.documentId],
    );
    await h.workspace.query(`update documents set active_generation = null, latest_generation = 2 where id = $1`, [
      broken.documentId,
    ]);
    await h.workspace.query(
      `insert into embedding_cache (workspace_id, model_id, content_hash, document_id, embedding)
       select workspace_id, model_id, content_hash, document_id, embedding from chunk_embeddings where document_id = $1
       limit 1`,
      [served.documentId],
    );
    await h.workspace.query(
      `insert into embedding_claims (workspace_id, model_id, content_hash, document_id, generation, first_chunk, expires_at)
       values ($1, $2, '\\x00', $3, 1, 0, now() - interval '1 minute')`,
      [h.workspace.workspaceId, h.workspace.modelId, served.documentId],
    );
    const cleared = await h.database.asOperator((em) => deleteOrphans(em, 100));
    expect(cleared).toEqual({ generations: 1, blobs: 1, vectors: 1, claims: 1 });
    expect(await h.workspace.stored(broken.documentId)).toMatchObject({ chunks: 0, embeddings: 0, blobs: 0 });
    await h.expectServed(served);
    expect(await h.database.asOperator((em) => deleteOrphans(em, 100))).toEqual({
      generations: 0,
      blobs: 0,
      vectors: 0,
      claims: 0,
    });
  });

  test('a workflow that is started again for the same generation takes over, and the former run can write nothing', async () => {
    h.provider.control({ script: [{ firstTokenMs: 1500 }] });
    const key = await h.start(await h.accept(markdownBytes(4)));
    await h.called();
    await h.handle(key).terminate('an operator');
    await h.start(key);
    expect(await h.ended(key)).toMatchObject({ state: 'active' });
    await new Promise((resolve) => setTimeout(resolve, 1700));
    await h.expectServed(key);
  });
});

test('R28: a document for which a budget has too little left fails with the reason, and is ingested once it is raised', async () => {
  const { workspaceId } = h.workspace;
  await putBudgetOf(h.database, workspaceId, 1e-6);
  const refused: Key[] = [];
  // A budget that was just put is seen by every process within two seconds; what comes before is a repeated document.
  await until(
    async () => {
      const key = await h.ingest(markdownBytes(refused.length % 2 === 0 ? 2 : 12, `words${refused.length}`));
      const { error } = await h.workspace.document(key.documentId);
      if (error?.code === 'budget_exhausted') refused.push(key);
      return refused.length === 2;
    },
    { what: 'two documents that were refused' },
  );
  const calls = h.provider.log().length;
  for (const { documentId } of refused)
    expect((await h.workspace.document(documentId)).error).toEqual({
      code: 'budget_exhausted',
      detail: expect.stringMatching(/The budget "month" has 0\.000001 USD left, .* may cost up to 0\.0\d+ USD\. Raise/),
    });
  expect(await putBudgetOf(h.database, workspaceId, 1e-6)).toBe(2);
  const again = () => refused.map(({ documentId }) => ({ documentId, generation: 2 }));
  for (const key of again()) await h.start(key);
  for (const key of again()) expect(await h.ended(key)).toMatchObject({ state: 'failed' });
  expect(h.provider.log()).toHaveLength(calls);
  const open = `select id from usage_metrics where state = 'started'`;
  expect(await h.workspace.query(open, [])).toEqual([]);
  expect(await putBudgetOf(h.database, workspaceId, 1)).toBe(2);
  for (const { documentId } of refused) {
    const key = { documentId, generation: 3 };
    await h.start(key);
    await h.ended(key);
    await h.expectServed(key);
  }
});
