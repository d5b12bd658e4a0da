import { beforeAll, describe, expect, test } from '@jest/globals';
import { countEndedDocuments, settleIngestionJobs } from '../../entities/documents/ingestion-job-repository.ts';
import { writeCalls, type ProposedCall } from '../../entities/conversations/tool-call-repository.ts';
import { endRun } from '../../entities/evaluations/evaluation-repository.ts';
import { query } from '../../entities/sql.ts';
import { uuidV7 } from '../../entities/uuid-v7.ts';
import { queueBrokenInvariants } from '../../entities/webhooks/queue-broken-invariants.ts';
import { webhookEvents } from '../../contracts/names/webhook-events.ts';
import { createTenant } from '../support/api/create-tenant.ts';
import { testApi } from '../support/api/test-api.ts';
import { routes } from '../../api/routes.ts';

const api = testApi();
let webhookId: string;

beforeAll(async () => {
  const body = { url: 'https://example.com/hook', events: webhookEvents };
  webhookId = (await api.call('POST', '/webhooks', { body })).json.id;
  // Another workspace listens too, and hears nothing of this one.
  const other = await createTenant(api.database);
  await api.call('POST', '/webhooks', { body, key: other.key });
});

const inWorkspace = <T>(work: Parameters<typeof api.database.inWorkspace<T>>[1]) =>
  api.database.inWorkspace(api.tenant.workspaceId, work);

/** What was written for the webhooks of all workspaces since it was last asked. */
async function told(): Promise<{ webhook_id: string; event: string; data: Record<string, unknown> }[]> {
  return api.database.asOperator((em) =>
    query(
      em,
      `with told as (delete from webhook_deliveries returning *)
       select webhook_id, event, payload -> 'data' as data from told order by created_at, event_key`,
    ),
  );
}

async function acceptDocument(text: string): Promise<{ jobId: string; documentId: string }> {
  const { json } = await api.call('POST', '/documents', { body: { text, path: `${text}.txt` } });
  return { jobId: json.job.id, documentId: json.document.id };
}

describe('a webhook is told', () => {
  test('once of a job that has ended, and how', async () => {
    const { jobId, documentId } = await acceptDocument('one');
    expect(await told()).toEqual([]);
    await inWorkspace((em) => countEndedDocuments(em, [{ jobId, documentId, failure: null }]));
    await inWorkspace((em) => settleIngestionJobs(em, [jobId]));
    await inWorkspace((em) => countEndedDocuments(em, [{ jobId, documentId, failure: null }]));
    const data = {
      job_id: jobId,
      status: 'completed',
      total_documents: 1,
      processed_documents: 1,
      failed_documents: 0,
    };
    expect(await told()).toMatchObject([{ webhook_id: webhookId, event: 'job.completed', data }]);
  });

  test('of a job that has failed', async () => {
    const { jobId, documentId } = await acceptDocument('two');
    const failure = { code: 'document_corrupt', detail: 'It is damaged.' };
    await inWorkspace((em) => countEndedDocuments(em, [{ jobId, documentId, failure }]));
    const data = { job_id: jobId, status: 'failed', failed_documents: 1 };
    expect(await told()).toMatchObject([{ webhook_id: webhookId, event: 'job.failed', data }]);
  });

  test('of nothing that was undone', async () => {
    const { jobId, documentId } = await acceptDocument('three');
    const undone = inWorkspace(async (em) => {
      await countEndedDocuments(em, [{ jobId, documentId, failure: null }]);
      throw new Error('undone');
    });
    await expect(undone).rejects.toThrow('undone');
    expect(await told()).toEqual([]);
  });

  test('of each end of an evaluation', async () => {
    const create = routes.find(({ method, path }) => method === 'POST' && path === '/evaluations');
    const made = await api.call('POST', '/evaluations', { body: create!.example });
    expect(made.status).toBe(202);
    const evaluationId: string = made.json.id;
    const key = { workspaceId: api.tenant.workspaceId, evaluationId };
    const end = { status: 'completed' as const, verdict: 'passed' as const, reasons: [], results: [], metrics: {} };
    expect(await inWorkspace((em) => endRun(em, key, end))).toBe(true);
    expect(await inWorkspace((em) => endRun(em, key, end))).toBe(false);
    const data = { evaluation_id: evaluationId, name: made.json.name, status: 'completed', verdict: 'passed' };
    expect(await told()).toMatchObject([{ webhook_id: webhookId, event: 'evaluation.completed', data }]);
    await inWorkspace((em) => query(em, `update evaluations set status = 'running' where id = $1`, [evaluationId]));
    await inWorkspace((em) => endRun(em, key, { status: 'failed', error: { code: 'internal', detail: 'It failed.' } }));
    expect(await told()).toMatchObject([{ event: 'evaluation.failed', data: { verdict: 'incomplete' } }]);
  });

  test('of a call that waits for approval, without its arguments', async () => {
    const conversation = await api.call('POST', '/conversations', { body: { user: 'ada' } });
    const { id: conversationId } = conversation.json;
    const sent = await api.call('POST', `/conversations/${conversationId}/messages`, { body: { content: 'Pay.' } });
    const turnId: string = sent.json.turn.id;
    const call = (position: number, approval: ProposedCall['approval']): ProposedCall => ({
      id: uuidV7(),
      position,
      providerCallId: `call_${position}`,
      toolType: null,
      toolId: null,
      toolName: 'pay',
      toolVersion: null,
      effect: 'write',
      idempotent: false,
      timeoutMs: 1000,
      maxResultBytes: 1000,
      arguments: { note: 'secret' },
      argumentsHash: '0'.repeat(64),
      invalid: null,
      approval,
    });
    const waiting = call(0, { id: uuidV7(), expiresAt: new Date('2030-01-01T00:00:00Z') });
    const { workspaceId } = api.tenant;
    await inWorkspace((em) =>
      writeCalls(em, { workspaceId, conversationId, turnId, step: 0 }, [waiting, call(1, null)]),
    );
    const [event, ...more] = await told();
    expect(more).toEqual([]);
    expect(event).toMatchObject({
      webhook_id: webhookId,
      event: 'approval.waiting',
      data: { tool_call_id: waiting.id, turn_id: turnId, tool_name: 'pay', expires_at: '2030-01-01T00:00:00.000Z' },
    });
    expect(JSON.stringify(event)).not.toContain('secret');
  });

  test("of broken invariants, where it is the operator's, once for a check", async () => {
    const [workspace] = await inWorkspace((em) => query<{ name: string }>(em, `select name from workspaces`));
    const breaches = Array.from({ length: 30 }, (_, index) => ({
      invariant: index < 29 ? 4 : 2,
      entity: 'turn',
      id: String(index),
      detail: 'It has no answer.',
    }));
    for (const key of ['run-1', 'run-1', 'run-2'])
      await api.database.asOperator((em) => queueBrokenInvariants(em, { workspace: workspace!.name, key, breaches }));
    const events = await told();
    expect(events).toHaveLength(2);
    expect(events[0]).toMatchObject({
      webhook_id: webhookId,
      event: 'invariant.broken',
      data: { count: 30, invariants: [2, 4] },
    });
    expect(events[0]!.data['breaches']).toHaveLength(20);
  });
});
