import { expect, test } from '@jest/globals';
import { ToolCallNotes } from '../../cli/tool-call-notes.ts';

test('people are told that a model is asked again, and which one takes over', () => {
  const notes = new ToolCallNotes();
  const retrying = { step: 0, model: 'first', reason: 'provider_timeout', in_ms: 1500 };
  const fallback = { step: 0, from: 'first', to: 'second', reason: 'circuit_open' };
  expect([
    notes.lineOf({ id: '1', event: 'retrying', data: retrying }),
    notes.lineOf({ id: '2', event: 'model_fallback', data: fallback }),
    notes.lineOf({ id: '3', event: 'usage', data: {} }),
  ]).toEqual([
    'first does not answer (provider_timeout): asked again in 1.5 s',
    'second takes over from first (circuit_open)',
    null,
  ]);
});
