import { describe, expect, test } from '@jest/globals';
import type { ModelCandidate, ModelFault } from '../../../contracts/names/model-faults.ts';
import { chooseModel, countTooLong } from '../../../domain/turns/choose-model.ts';

const model = (id: string, rest: Partial<ModelCandidate> = {}): ModelCandidate => ({
  ...{ id, name: id, isUsable: true, contextWindow: 8000, isTripped: false, circuitMs: 0, pauseMs: 0 },
  ...rest,
});

const fault = (id: string, code = 'provider_unavailable', rest: Partial<ModelFault> = {}): ModelFault => ({
  ...{ step: 0, attempt: 1, model_id: id, model: id, code, retryable: true, at: '2026-01-01T00:00:00Z' },
  ...rest,
});

const final = { retryable: false };

function chosen(candidates: ModelCandidate[], faults: ModelFault[], { current = 'a', step = 0 } = {}): string {
  const choice = chooseModel(candidates, { current, step, faults });
  if ('over' in choice) return 'over';
  return 'rest' in choice ? `${choice.rest.id} in ${choice.ms}` : choice.call.id;
}

describe('the model that a turn calls next', () => {
  const three = [model('a'), model('b'), model('c')];

  test('goes on after one failure; after two the next has its turn, after the last the first again', () => {
    const order = [];
    const faults: ModelFault[] = [];
    let current = 'a';
    for (let call = 0; call < 8; call += 1) {
      current = chosen(three, faults, { current });
      order.push(current);
      faults.push(fault(current));
    }
    expect(order.join(' ')).toBe('a a b b c c a a');
  });

  test('stays with the model that answered the step before, whatever failed there', () => {
    expect(chosen(three, [fault('a'), fault('a')], { current: 'b', step: 1 })).toBe('b');
  });

  test.each(['provider_authentication', 'provider_model_not_found', 'provider_insufficient_quota'])(
    'is another one at once after %s, for the whole turn',
    (code) => {
      expect(chosen(three, [fault('a', code, final)])).toBe('b');
      expect(chosen(three, [fault('a', code, final), fault('b', code, final)], { current: 'c', step: 4 })).toBe('c');
      expect(chosen([model('a')], [fault('a', code, final)])).toBe('over');
    },
  );

  test.each(['provider_invalid_request', 'provider_content_filter'])(
    'is none after %s: no model can mend it',
    (code) => {
      expect(chosen(three, [fault('a', code, final)])).toBe('over');
    },
  );

  test('is a larger one when the prompt was too long, or the same with a shorter prompt, three times at most', () => {
    const tooLong = fault('a', 'provider_context_length', final);
    expect(chosen([model('a'), model('b'), model('c', { contextWindow: 32_000 })], [tooLong])).toBe('c');
    expect(chosen([model('a'), model('b')], [tooLong])).toBe('a');
    expect(countTooLong([tooLong, tooLong], 0, 'a')).toBe(2);
    expect(chosen([model('a'), model('b')], [tooLong, tooLong, tooLong])).toBe('over');
    expect(chosen([model('a'), model('b')], [tooLong], { step: 1 })).toBe('a');
  });

  test('is none that rests, was switched off, or is to pause for long; the turn waits for the first that is free', () => {
    expect(chosen([model('a', { circuitMs: 30_000 }), model('b')], [])).toBe('b');
    expect(chosen([model('a', { isUsable: false }), model('b')], [])).toBe('b');
    expect(chosen([model('a', { pauseMs: 60_000 }), model('b')], [])).toBe('b');
    expect(chosen([model('a', { pauseMs: 5000 }), model('b')], [])).toBe('a');
    expect(chosen([model('a', { circuitMs: 30_000 }), model('b', { pauseMs: 20_000 })], [])).toBe('b in 20000');
    expect(chosen([model('a', { circuitMs: 40 })], [])).toBe('a in 40');
    expect(chosen([model('a', { isUsable: false })], [])).toBe('over');
  });
});
