import { describe, expect, test } from '@jest/globals';
import { ScheduleNotFoundError } from '@temporalio/client';
import { workflowIds } from '../../contracts/names/workflows.ts';
import { query } from '../../entities/sql.ts';
import { expectProblem } from '../support/api/expect-problem.ts';
import { testApi } from '../support/api/test-api.ts';

const api = testApi();
let made = 0;

async function create(body: Record<string, unknown> = {}) {
  const answer = await api.call('POST', '/knowledge-sources', {
    body: { name: `source ${(made += 1)}`, type: 'file', configuration: { path: '/srv/handbook' }, ...body },
  });
  expect(answer.status).toBe(201);
  return answer.json;
}

const schedule = (id: string) => api.deps.temporal.schedule.getHandle(workflowIds.requestSync(id)).describe();
const rows = (text: string, parameters: unknown[] = []) =>
  api.database.inWorkspace(api.tenant.workspaceId, (em) => query(em, text, parameters));

describe('the configuration of a source', () => {
  test('is what its type wants, with its defaults; a mistake is named by its path', async () => {
    const source = await create();
    expect(source.configuration).toMatchObject({ path: '/srv/handbook', include: [], hidden: false, schedule: null });
    expect(source).toMatchObject({ status: 'ready', documents: { total: 0, failed: 0 }, sync: null });
    for (const [type, configuration, path] of [
      ['file', {}, 'body.configuration.path'],
      ['web', { start: ['ftp://x/'] }, 'body.configuration.start.0'],
      ['api', { url: 'https://x/', fields: {} }, 'body.configuration.fields.text'],
      ['database', { query: '' }, 'body.configuration.query'],
      ['file', { path: '/a', schedule: { cron: '61 * * * *' } }, 'body.configuration.schedule'],
      ['file', { path: '/a', schedule: { cron: '0 3 * * *', time_zone: 'Mars/Base' } }, 'body.configuration.schedule'],
      ['file', { path: '/a', surprise: 1 }, 'body.configuration'],
    ] as const) {
      const answer = await api.call('POST', '/knowledge-sources', { body: { name: 'wrong', type, configuration } });
      expectProblem(answer, 'bad_request');
      expect(answer.json.errors[0].path).toContain(path);
    }
    const change = await api.call('PATCH', `/knowledge-sources/${source.id}`, {
      body: { configuration: { hidden: true } },
    });
    expectProblem(change, 'bad_request');
    expect(change.json.errors[0].path).toBe('body.configuration.path');
  });
});

describe('a sync on demand', () => {
  test('is accepted with its job, once: another request meets the one that is under way', async () => {
    const { id } = await create();
    const first = await api.call('POST', `/knowledge-sources/${id}/sync`);
    expect(first).toMatchObject({
      status: 202,
      json: { started: true, sync: { state: 'accepted', trigger: 'request' } },
    });
    expect(first.json.job).toMatchObject({ knowledge_source_id: id, status: 'queued', total_documents: 0 });
    const second = await api.call('POST', `/knowledge-sources/${id}/sync`, { body: { allow_removals: true } });
    expect(second.json).toMatchObject({ started: false, sync: { id: first.json.sync.id } });
    const handle = api.deps.temporal.workflow.getHandle(workflowIds.syncSource(id));
    expect((await handle.describe()).status.name).toBe('RUNNING');
    expect((await api.call('GET', `/knowledge-sources/${id}`)).json).toMatchObject({ status: 'syncing' });
    expect((await api.call('POST', `/knowledge-sources/${id}/sync/cancel`)).status).toBe(202);
    await handle.terminate();
  });

  test('R2: a cancel that its workflow does not hear is not said to be accepted, and can be asked again', async () => {
    const { id } = await create();
    await api.call('POST', `/knowledge-sources/${id}/sync`);
    const { starter } = api.deps;
    const { cancelSync } = starter;
    starter.cancelSync = async () => {
      throw new Error('Failed to cancel workflow');
    };
    try {
      const lost = await api.call('POST', `/knowledge-sources/${id}/sync/cancel`);
      expectProblem(lost, 'unavailable');
      expect(lost.json.detail).toContain('the sync goes on');
    } finally {
      starter.cancelSync = cancelSync;
    }
    expect((await api.call('POST', `/knowledge-sources/${id}/sync/cancel`)).status).toBe(202);
    const handle = api.deps.temporal.workflow.getHandle(workflowIds.syncSource(id));
    const { events } = await handle.fetchHistory();
    expect(events?.some((event) => event.workflowExecutionCancelRequestedEventAttributes)).toBe(true);
    await handle.terminate();
  });

  test('R2: a cancel that finds another sync of the source, or none, is not said to be accepted', async () => {
    const { id } = await create();
    const { sync } = (await api.call('POST', `/knowledge-sources/${id}/sync`)).json;
    const { starter } = api.deps;
    const { cancelSync } = starter;
    starter.cancelSync = async () => false;
    try {
      const early = await api.call('POST', `/knowledge-sources/${id}/sync/cancel`);
      expectProblem(early, 'unavailable');
      expect(early.json.detail).toContain('An earlier sync of this source is still ending');
      starter.cancelSync = async ({ workspaceId, syncId }) => {
        await api.deps.database.inWorkspace(workspaceId, (em) =>
          em.execute(`update source_syncs set state = 'completed', completed_at = now() where id = ?`, [syncId]),
        );
        return false;
      };
      expectProblem(await api.call('POST', `/knowledge-sources/${id}/sync/cancel`), 'conflict');
      expect((await api.call('GET', `/knowledge-sources/${id}`)).json.sync).toMatchObject({
        id: sync.id,
        state: 'completed',
      });
    } finally {
      starter.cancelSync = cancelSync;
      await api.deps.temporal.workflow.getHandle(workflowIds.syncSource(id)).terminate();
    }
  });

  test('is refused for what is paused, and for what holds what it is sent', async () => {
    const { id } = await create();
    expect((await api.call('PATCH', `/knowledge-sources/${id}`, { body: { paused: true } })).json.status).toBe(
      'paused',
    );
    expectProblem(await api.call('POST', `/knowledge-sources/${id}/sync`), 'conflict');
    expectProblem(await api.call('POST', `/knowledge-sources/${id}/sync/cancel`), 'conflict');
    const upload = await create({ type: 'upload', configuration: { owner: 'me' } });
    expectProblem(await api.call('POST', `/knowledge-sources/${upload.id}/sync`), 'source_configuration');
  });
});

describe('a schedule', () => {
  test('comes and goes with its source, and with what the source wants', async () => {
    const { id } = await create({ configuration: { path: '/srv', schedule: { every_seconds: 3600 } } });
    expect((await schedule(id)).spec.intervals).toEqual([expect.objectContaining({ every: 3_600_000 })]);
    const cron = { cron: '30 3 * * mon-fri', time_zone: 'Europe/Berlin' };
    await api.call('PATCH', `/knowledge-sources/${id}`, { body: { configuration: { path: '/srv', schedule: cron } } });
    const changed = await schedule(id);
    expect(changed.spec.timezone).toBe('Europe/Berlin');
    expect(changed.spec.calendars).toHaveLength(1);
    expect(changed.policies.overlap).toBe('ALLOW_ALL');
    await api.call('PATCH', `/knowledge-sources/${id}`, { body: { paused: true } });
    await expect(schedule(id)).rejects.toBeInstanceOf(ScheduleNotFoundError);
    await api.call('PATCH', `/knowledge-sources/${id}`, { body: { paused: false } });
    await schedule(id);
    expect((await api.call('DELETE', `/knowledge-sources/${id}`)).status).toBe(204);
    await expect(schedule(id)).rejects.toBeInstanceOf(ScheduleNotFoundError);
  });
});

describe('deleting a source', () => {
  test('R3: takes its documents with it, and ends the sync that is under way', async () => {
    const { id } = await create({ type: 'upload', configuration: {} });
    for (const text of ['one text', 'another text'])
      await api.call('POST', '/documents', { body: { text, knowledge_source: id } });
    const folder = await create();
    await api.call('POST', `/knowledge-sources/${folder.id}/sync`);
    for (const source of [id, folder.id]) {
      expect((await api.call('DELETE', `/knowledge-sources/${source}`)).status).toBe(204);
      expectProblem(await api.call('GET', `/knowledge-sources/${source}`), 'not_found');
    }
    expect(await rows(`select id from documents where deleted_at is null and knowledge_source_id = $1`, [id])).toEqual(
      [],
    );
    expect(await rows(`select document_id from blobs`)).toEqual([]);
    expect(await rows(`select state from source_syncs where knowledge_source_id = $1`, [folder.id])).toEqual([
      { state: 'cancelled' },
    ]);
  });
});

describe('a document that is sent as an address', () => {
  test('is accepted with its job, and fetched by a worker; no address is fetched while the request waits', async () => {
    const url = 'http://10.0.0.1/guide.html?secret=1#part';
    const answer = await api.call('POST', '/documents', { body: { url, title: 'Guide', metadata: { team: 'docs' } } });
    expect(answer.status).toBe(202);
    expect(answer.json).toMatchObject({
      document: {
        title: 'Guide',
        status: 'accepted',
        source_url: 'http://10.0.0.1/guide.html?secret=1#part',
        latest: null,
      },
      job: { status: 'queued' },
      unchanged: false,
    });
    expect(await rows(`select kind, state from source_syncs where job_id = $1`, [answer.json.job.id])).toEqual([
      { kind: 'items', state: 'accepted' },
    ]);
    const { id } = await create();
    expectProblem(await api.call('POST', '/documents', { body: { url, knowledge_source: id } }), 'bad_request');
    expectProblem(await api.call('POST', '/documents', { body: { url, text: 'both' } }), 'bad_request');
    expectProblem(await api.call('POST', '/documents', { body: { url: 'file:///etc/passwd' } }), 'bad_request');
  });
});
