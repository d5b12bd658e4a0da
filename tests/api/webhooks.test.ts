import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { createSweepDeliveries } from '../../activities/webhooks/sweep-deliveries.ts';
import { query } from '../../entities/sql.ts';
import { queueEvents } from '../../entities/webhooks/queue-events.ts';
import { expectProblem } from '../support/api/expect-problem.ts';
import { testApi } from '../support/api/test-api.ts';
import { until } from '../support/until.ts';
import { answerWith, startReceiver, type Receiver } from '../support/webhooks/start-receiver.ts';
import { startWebhookWorker } from '../support/webhooks/webhook-worker.ts';
import { mortalDatabase } from '../support/workspaces/mortal-database.ts';

jest.setTimeout(120_000);
const api = testApi();
let receiver: Receiver;
let stopWorker: () => Promise<void>;
/** The transaction, from now on, before which the worker dies. */
let diesBefore = 0;

beforeAll(async () => {
  receiver = await startReceiver();
  const database = mortalDatabase(api.database, () => {
    diesBefore -= 1;
    return diesBefore === 0 ? 'before' : null;
  });
  stopWorker = await startWebhookWorker(api.temporal, { database, secretKey: api.secretKey });
});

afterAll(async () => {
  await stopWorker?.();
  await receiver?.close();
});

const make = async (path: string, more: Record<string, unknown> = {}) => {
  const body = { url: `${receiver.url}${path}`, events: ['job.failed'], ...more };
  const made = await api.call('POST', '/webhooks', { body });
  expect(made.status).toBe(201);
  return made.json as { id: string; secret: string };
};
const send = async (webhookId: string): Promise<string> =>
  (await api.call('POST', `/webhooks/${webhookId}/test`)).json.id;
const read = async (deliveryId: string) => (await api.call('GET', `/webhook-deliveries/${deliveryId}`)).json;
const ended = (deliveryId: string) =>
  until(
    async () => {
      const delivery = await read(deliveryId);
      return delivery.state === 'pending' ? null : delivery;
    },
    { what: 'the end of the delivery', timeoutMs: 30_000, everyMs: 50 },
  );
const change = (webhookId: string, set: string) =>
  api.database.inWorkspace(api.tenant.workspaceId, (em) =>
    query(em, `update webhooks set ${set} where id = $1`, [webhookId]),
  );

describe('a webhook', () => {
  test('shows its secret when it is made and never again, and what it sends is signed with it', async () => {
    const { id, secret } = await make('/signed');
    expect(JSON.stringify((await api.call('GET', '/webhooks')).json)).not.toContain(secret);
    expect((await api.call('GET', `/webhooks/${id}`)).json).not.toHaveProperty('secret');
    const deliveryId = await send(id);
    expect(await ended(deliveryId)).toMatchObject({ state: 'delivered', attempts: 1, last_status: 200 });
    const [message] = receiver.at('/signed');
    expect(message!.headers['webhook-id']).toBe(deliveryId);
    expect(new Webhook(secret).verify(message!.body, message!.headers as Record<string, string>)).toMatchObject({
      type: 'webhook.test',
      data: { webhook_id: id },
    });
    const stored = await api.database.asOperator((em) =>
      query<{ secret: string }>(em, `select secret from webhooks where id = $1`, [id]),
    );
    expect(stored[0]!.secret).toMatch(/^sealed:/);
  });

  test('signs with the old and the new secret for a day after a change', async () => {
    const { id, secret } = await make('/rotated');
    const changed = (await api.call('PATCH', `/webhooks/${id}`, { body: { rotate_secret: true } })).json;
    expect(changed.secret).toMatch(/^whsec_/);
    expect(Date.parse(changed.previous_secret_until) - Date.now()).toBeGreaterThan(23 * 3_600_000);
    await ended(await send(id));
    await change(id, `previous_secret_until = now() - interval '1 second'`);
    await ended(await send(id));
    const [first, second] = receiver.at('/rotated').map(({ body, headers }) => (key: string) => {
      return new Webhook(key).verify(body, headers as Record<string, string>);
    });
    expect(first!(secret)).toEqual(first!(changed.secret));
    expect(second!(changed.secret)).toMatchObject({ type: 'webhook.test' });
    expect(() => second!(secret)).toThrow('No matching signature');
  });

  test('is sent a message again, under the same webhook-id, until it takes it', async () => {
    const { id } = await make('/again');
    receiver.answers.set('/again', [
      answerWith(500, { 'retry-after-ms': '50' }),
      answerWith(404, { 'retry-after-ms': '50' }),
    ]);
    const deliveryId = await send(id);
    expect(await ended(deliveryId)).toMatchObject({ state: 'delivered', attempts: 3, last_error: null });
    expect(receiver.at('/again').map(({ headers }) => headers['webhook-id'])).toEqual(Array(3).fill(deliveryId));
    expect(new Set(receiver.at('/again').map(({ body }) => body)).size).toBe(1);
  });

  test('that is away, or does not answer in time, is asked again', async () => {
    receiver.answers.set('/slow', [() => {}]).set('/away', [(response) => response.destroy()]);
    const sent = ['/slow', '/away'].map(async (path) => ended(await send((await make(path)).id)));
    for (const delivery of await Promise.all(sent))
      expect(delivery).toMatchObject({ state: 'delivered', attempts: 2, last_error: null });
  });

  test('that redirects is not followed, to a private address or any other', async () => {
    const { id } = await make('/moved');
    receiver.answers.set('/moved', [
      answerWith(307, { location: `${receiver.url}/elsewhere`, 'retry-after-ms': '50' }),
      answerWith(302, { location: 'http://169.254.169.254/latest/meta-data', 'retry-after-ms': '50' }),
    ]);
    expect(await ended(await send(id))).toMatchObject({ state: 'delivered', attempts: 3 });
    expect(receiver.at('/elsewhere')).toEqual([]);
  });

  test('at an address that may not be reached is a dead letter at once, that says why', async () => {
    const { id } = await make('', { url: 'http://10.0.0.1/hook' });
    const delivery = await ended(await send(id));
    expect(delivery).toMatchObject({ state: 'dead', attempts: 1, last_status: null });
    expect(delivery.last_error).toMatchObject({ code: 'address_forbidden' });
    expect(delivery.last_error.detail).toContain('PERDURE_FETCH_ALLOW');
  });

  test('gets a message twice, not never, when its worker dies between sending and noting', async () => {
    const { id } = await make('/killed');
    // Every delivery before this one has ended with its last transaction, so the second one is the noting of this one.
    diesBefore = 2;
    const deliveryId = await send(id);
    expect(await ended(deliveryId)).toMatchObject({ state: 'delivered' });
    expect(receiver.at('/killed').map(({ headers }) => headers['webhook-id'])).toEqual([deliveryId, deliveryId]);
  });

  test('that is gone leaves a dead letter, which is listed, and sent again on request under its id', async () => {
    const { id } = await make('/gone');
    receiver.answers.set('/gone', [answerWith(410)]);
    const deliveryId = await send(id);
    expect(await ended(deliveryId)).toMatchObject({ state: 'dead', last_status: 410 });
    const { data } = (await api.call('GET', `/webhook-deliveries?state=dead&webhook=${id}`)).json;
    expect(data.map((one: { id: string }) => one.id)).toEqual([deliveryId]);
    const again = () =>
      api.call('POST', `/webhook-deliveries/${deliveryId}/redeliver`, { headers: { 'idempotency-key': 'again' } });
    expect((await again()).status).toBe(202);
    expectProblem(await api.call('POST', `/webhook-deliveries/${deliveryId}/redeliver`), 'conflict');
    // The run that gave up may not have ended yet; the sweep starts what it then left.
    const sweep = createSweepDeliveries({ database: api.database, ...api.deps.starter });
    await until(async () => (await sweep(), (await read(deliveryId)).state === 'delivered'), {
      what: 'the second run',
    });
    // Whoever asks again because the answer was lost gets it, and nothing is sent a third time.
    expect((await again()).headers.get('idempotent-replayed')).toBe('true');
    expect(await read(deliveryId)).toMatchObject({ state: 'delivered', attempts: 2 });
    expect(receiver.at('/gone').map(({ headers }) => headers['webhook-id'])).toEqual([deliveryId, deliveryId]);
  });

  test('is disabled after long failure only if it says so, and told of nothing then', async () => {
    const patient = await make('/patient');
    const strict = await make('/strict', { disable_after_hours: 2 });
    const fault = answerWith(503, { 'retry-after-ms': '50' });
    for (const [path, { id }] of Object.entries({ '/patient': patient, '/strict': strict })) {
      receiver.answers.set(path, [fault]);
      await change(id, `failing_since = now() - interval '3 hours'`);
    }
    expect(await ended(await send(patient.id))).toMatchObject({ state: 'delivered' });
    expect((await api.call('GET', `/webhooks/${patient.id}`)).json).toMatchObject({
      is_enabled: true,
      failing_since: null,
    });
    const delivery = await ended(await send(strict.id));
    expect(delivery).toMatchObject({ state: 'dead', last_error: { code: 'cancelled' } });
    expect((await api.call('GET', `/webhooks/${strict.id}`)).json).toMatchObject({
      is_enabled: false,
      disabled_reason: 'No message was taken for 2 hours',
    });
    const enabled = await api.call('PATCH', `/webhooks/${strict.id}`, { body: { is_enabled: true } });
    expect(enabled.json).toMatchObject({ is_enabled: true, failing_since: null, disabled_reason: null, secret: null });
  });

  test('that is deleted is sent nothing more', async () => {
    const { id } = await make('/deleted');
    receiver.answers.set('/deleted', [answerWith(500, { 'retry-after-ms': '1500' })]);
    const deliveryId = await send(id);
    await until(async () => receiver.at('/deleted').length === 1, { what: 'the first attempt' });
    expect((await api.call('DELETE', `/webhooks/${id}`)).status).toBe(204);
    expectProblem(await api.call('GET', `/webhooks/${id}`), 'not_found');
    expect(await ended(deliveryId)).toMatchObject({ state: 'dead' });
    expect(receiver.at('/deleted')).toHaveLength(1);
  });

  test('refuses addresses and secrets that cannot work', async () => {
    const refused = async (body: Record<string, unknown>, path: string) => {
      const answer = await api.call('POST', '/webhooks', {
        body: { url: 'https://example.com/hook', events: ['job.failed'], ...body },
      });
      expectProblem(answer, 'bad_request');
      expect(answer.json.errors.map((error: { path: string }) => error.path)).toContain(path);
    };
    await refused({ url: 'ftp://example.com/hook' }, 'body.url');
    await refused({ events: [] }, 'body.events');
    await refused({ secret: 'whsec_c2hvcnQ=' }, 'body.secret');
  });
});

describe('an event', () => {
  test('is sent by the sweep to those who asked for it, once for a key', async () => {
    await make('/asked', { events: ['evaluation.completed', 'job.partial'] });
    await make('/other', { events: ['evaluation.failed'] });
    await make('/off', { events: ['evaluation.completed'], is_enabled: false });
    const { workspaceId } = api.tenant;
    const event = {
      workspaceId,
      event: 'evaluation.completed' as const,
      key: 'evaluation/1',
      data: { verdict: 'passed' },
    };
    for (const twice of [event, { ...event, data: { verdict: 'failed' } }])
      await api.database.inWorkspace(workspaceId, (em) => queueEvents(em, [twice]));
    const undone = api.database.inWorkspace(workspaceId, async (em) => {
      await queueEvents(em, [{ ...event, key: 'evaluation/2' }]);
      throw new Error('undone');
    });
    await expect(undone).rejects.toThrow('undone');
    const sweep = createSweepDeliveries({ database: api.database, ...api.deps.starter });
    const broken = { database: api.database, startDelivery: () => Promise.reject(new Error('Temporal is away')) };
    await expect(createSweepDeliveries(broken)()).rejects.toThrow('Temporal is away');
    expect(await sweep()).toEqual({ swept: 0 });
    // A minute later.
    await api.database.asOperator((em) =>
      query(em, `update webhook_deliveries set due_at = due_at - interval '1 minute' where state = 'pending'`),
    );
    expect(await sweep()).toEqual({ swept: 1 });
    expect(await sweep()).toEqual({ swept: 0 });
    await until(async () => receiver.at('/asked').length > 0, { what: 'the message' });
    expect(JSON.parse(receiver.at('/asked')[0]!.body)).toEqual({
      type: 'evaluation.completed',
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      data: { verdict: 'passed' },
    });
    expect([receiver.at('/asked').length, receiver.at('/other').length, receiver.at('/off').length]).toEqual([1, 0, 0]);
  });
});
