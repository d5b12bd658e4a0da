import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startEffectService, type EffectService } from './start-effect-service.ts';

let service: EffectService;

beforeAll(async () => {
  service = await startEffectService();
});
afterAll(() => service?.stop());

const send = async (method: string, path: string, key?: string) =>
  (await fetch(`${service.url}${path}`, { method, ...(key ? { headers: { 'idempotency-key': key } } : {}) })).json();

test('counts an effect for each call, for each key where the address is idempotent, and none for a read', async () => {
  const first = await send('POST', '/repeatable/booking', 'a');
  expect(await send('POST', '/repeatable/booking', 'a')).toEqual(first);
  await send('POST', '/repeatable/booking', 'b');
  for (let n = 0; n < 2; n += 1) await send('POST', '/payment', 'c');
  await send('GET', '/stock', 'd');
  expect(service.log().map(({ idempotencyKey, applied }) => [idempotencyKey, applied])).toEqual([
    ['a', true],
    ['a', false],
    ['b', true],
    ['c', true],
    ['c', true],
    ['d', false],
  ]);
});

test('keeps the effect of a caller who does not wait for the answer', async () => {
  service.delayAnswers(5000);
  const before = service.log().length;
  await expect(fetch(`${service.url}/payment`, { method: 'POST', signal: AbortSignal.timeout(200) })).rejects.toThrow(
    'timeout',
  );
  expect(service.log().slice(before)).toMatchObject([{ path: '/payment', applied: true }]);
});
