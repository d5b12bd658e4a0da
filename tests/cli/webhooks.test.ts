import { expect, test } from '@jest/globals';
import { query } from '../../entities/sql.ts';
import { testApi } from '../support/api/test-api.ts';
import { runCli } from './run-cli.ts';

const api = testApi();
const run = (...args: string[]) => runCli(args, { url: api.url, key: api.tenant.key });
const perdure = async (...args: string[]) => {
  const { code, out, err } = await run(...args);
  expect({ code, err: code === 0 ? '' : err }).toEqual({ code: 0, err: '' });
  return out.trim();
};

test('webhooks are added, listed, tested, rotated, disabled and deleted, and dead letters sent again', async () => {
  expect((await run('webhooks')).err).toContain('There are no webhooks');
  const [id = '', secret = ''] = (
    await perdure('webhooks', 'add', 'https://example.com/hook', '--event', 'job.failed')
  ).split(/\s+/);
  expect(secret).toMatch(/^whsec_/);
  expect(await perdure('webhooks')).toContain(`${id}  enabled  https://example.com/hook`);
  const [deliveryId = ''] = (await perdure('webhooks', 'test', id)).split(/\s+/);
  expect(await perdure('webhooks', 'deliveries', '--webhook', id)).toContain(`${deliveryId}  pending   webhook.test`);
  expect(await run('webhooks', 'deliveries', '--state', 'dead')).toMatchObject({ code: 0, out: '' });
  await api.database.asOperator((em) =>
    query(
      em,
      `update webhook_deliveries set state = 'dead', last_error = '{"code": "fetch_failed", "detail": "It answered 500."}'
       where id = $1`,
      [deliveryId],
    ),
  );
  expect(await perdure('webhooks', 'deliveries', '--state', 'dead')).toMatch(/dead[^]*It answered 500\./);
  expect(await perdure('webhooks', 'redeliver', '--dead')).toBe('1 sent again');
  expect(await run('webhooks', 'redeliver', deliveryId)).toMatchObject({
    code: 1,
    err: expect.stringContaining('on its way'),
  });
  expect(await perdure('webhooks', 'rotate', id)).toMatch(/^whsec_(?!undefined)/);
  expect(await perdure('webhooks', 'disable', id)).toBe('disabled');
  expect(JSON.parse(await perdure('webhooks', '--json'))).toMatchObject({ id, is_enabled: false });
  expect(await perdure('webhooks', 'delete', id)).toBe('deleted');
});

test('webhooks says what it was called wrongly with', async () => {
  for (const args of [
    ['add', 'https://example.com'],
    ['test'],
    ['mend', 'x'],
    ['redeliver'],
    ['redeliver', 'x', '--dead'],
  ])
    expect(await run('webhooks', ...args)).toMatchObject({ code: 2 });
});

test('budgets are set, shown and deleted', async () => {
  expect((await run('budgets')).err).toContain('There are no budgets');
  expect(await perdure('budgets', 'set', 'month', '100', '--user', 'ada', '--refuse')).toMatch(
    /^month +0 of 100 USD \(0 %\) {2}user ada, refuse$/,
  );
  expect(JSON.parse(await perdure('budgets', '--json'))).toMatchObject({ name: 'month', on_exceeded: 'refuse' });
  expect(await perdure('budgets', 'delete', 'month')).toBe('deleted');
  for (const args of [['set', 'month'], ['set', 'month', 'much'], ['delete']])
    expect(await run('budgets', ...args)).toMatchObject({ code: 2 });
});
