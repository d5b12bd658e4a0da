import { describe, expect, test } from '@jest/globals';
import { CapacityBudget, CapacityGate } from '../../api/framework/capacity-gate.ts';
import { PerdureError } from '../../contracts/errors.ts';
import { expectProblem } from '../support/api/expect-problem.ts';
import { openEvents } from '../support/api/open-events.ts';
import { testApi, type Answer } from '../support/api/test-api.ts';
import { until } from '../support/until.ts';

const overCapacity = expect.objectContaining({ code: 'over_capacity' });

describe('the gate', () => {
  test('lets so many run, so many wait in order, and refuses the rest', async () => {
    const gate = new CapacityGate({ limit: 2, waiting: 2, waitMs: 10_000 });
    const done: number[] = [];
    const open: Array<() => void> = [];
    const work = (number: number) =>
      gate.run(() => new Promise<void>((resolve) => open.push(resolve))).then(() => done.push(number));
    const admitted = [0, 1, 2, 3].map(work);
    await expect(work(4)).rejects.toEqual(overCapacity);
    expect(open).toHaveLength(2);
    for (let next = 0; next < 4; next += 1) {
      await until(async () => open.length > next, { what: `work ${next}` });
      open[next]!();
      await admitted[next];
    }
    expect(done).toEqual([0, 1, 2, 3]);
  });

  test('gives its place on when work fails, and refuses who waits too long', async () => {
    const gate = new CapacityGate({ limit: 1, waiting: 5, waitMs: 50 });
    await expect(gate.run(() => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    let release = () => {};
    const holding = gate.run(() => new Promise<void>((resolve) => (release = resolve)));
    await expect(gate.run(async () => 'never')).rejects.toEqual(overCapacity);
    release();
    await holding;
    expect(await gate.run(async () => 'again')).toBe('again');
  });
});

test('a budget counts what is taken and given back, once', () => {
  const budget = new CapacityBudget(10);
  const giveBack = budget.take(6);
  expect(() => budget.take(5)).toThrow(PerdureError);
  giveBack();
  giveBack();
  expect(budget.used).toBe(0);
  budget.take(10);
});

describe('an API with little room', () => {
  const api = testApi((deps) => ({
    capacity: { transactions: 1, waiting: 2, streams: 2, bodyBytes: 2 * 1024 * 1024 },
    database: { ...deps.database, inWorkspace: (id, work) => slowly(() => deps.database.inWorkspace(id, work)) },
  }));
  let held = Promise.resolve();
  async function slowly<T>(work: () => Promise<T>): Promise<T> {
    await held;
    return work();
  }

  /** The answers to calls none of which is served before so many of them were refused. */
  async function answersOnce(refusals: number, calls: () => Promise<Answer>[]): Promise<Answer[]> {
    let release = () => {};
    held = new Promise((resolve) => (release = resolve));
    const answers = calls();
    let refused = 0;
    for (const answer of answers) void answer.then(({ status }) => (refused += status === 503 ? 1 : 0));
    await until(async () => refused >= refusals, { what: 'the refusals' }).finally(release);
    return Promise.all(answers);
  }

  test('answers 503 with Retry-After to what it cannot take on, and serves the rest', async () => {
    const answers = await answersOnce(5, () => Array.from({ length: 8 }, () => api.call('GET', '/agents')));
    const refused = answers.filter((answer) => answer.status === 503);
    expect(answers.filter((answer) => answer.status === 200)).toHaveLength(3);
    expect(refused).toHaveLength(5);
    for (const answer of refused) {
      expectProblem(answer, 'over_capacity');
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    }
    expect((await api.call('GET', '/agents')).status).toBe(200);
  });

  test('refuses one event stream too many, and takes one again when another has gone', async () => {
    const { json } = await api.call('POST', '/documents', { body: { text: 'Watch me.' } });
    const path = `/documents/${json.document.id}/events`;
    const first = await openEvents(api, path);
    const second = await openEvents(api, path);
    expectProblem(await api.call('GET', path), 'over_capacity');
    first.close();
    const again = await until(
      async () => {
        const events = await openEvents(api, path);
        return events.status === 200 && events;
      },
      { what: 'a free place' },
    );
    again.close();
    second.close();
  });

  test('a stream that is refused for another reason gives its place back', async () => {
    const path = '/turns/00000000-0000-7000-8000-000000000000/events';
    await until(async () => (await api.call('GET', path)).status === 404, { what: 'the streams before to be gone' });
    for (let attempt = 0; attempt < 5; attempt += 1) expectProblem(await api.call('GET', path), 'not_found');
  });

  test('refuses bodies that do not fit into memory together', async () => {
    const text = 'word '.repeat(300_000);
    const answers = await answersOnce(2, () => [1, 2, 3].map(() => api.call('POST', '/documents', { body: { text } })));
    expect(answers.map((answer) => answer.status).toSorted((a, b) => a - b)).toEqual([202, 503, 503]);
    expect((await api.call('POST', '/documents', { body: { text } })).status).toBe(202);
  });
});
