import { expect, jest, test } from '@jest/globals';
import { ingestHarness, markdownBytes } from '../support/workspaces/ingest-harness.ts';

jest.setTimeout(120_000);
const h = ingestHarness();

/** Stands still, as a process does that is frozen. */
const standStill = (ms: number) => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

test('R8: a worker that stood still while it embedded a small document pays for no more of it within that task', async () => {
  h.provider.control({ default: { firstTokenMs: 200 } });
  const key = await h.start(await h.accept(markdownBytes(6)));
  await h.called();
  standStill(4200);
  expect(await h.ended(key)).toMatchObject({ state: 'active' });
  await h.expectServed(key);
  const chunks = (await h.workspace.document(key.documentId)).latest!.expected_chunks!;
  const calls = h.provider.log();
  // More than one call: there was something left when it woke up.
  expect(calls.length).toBeGreaterThan(1);
  expect(calls.reduce((sum, { texts }) => sum + texts, 0)).toBe(chunks);
  const { events } = await h.handle(key).fetchHistory();
  const steps = events?.map((event) => event.activityTaskScheduledEventAttributes?.activityType?.name).filter(Boolean);
  // Temporal knows of it, and gives it to one worker at a time.
  expect(steps).toEqual(['embedChunks']);
});
