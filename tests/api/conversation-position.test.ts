import { describe, expect, test } from '@jest/globals';
import { ConversationPosition } from '../../api/streams/conversation-position.ts';

describe('the position in a conversation', () => {
  test('names the turn under way, and is short again when it has ended', () => {
    const position = new ConversationPosition();
    expect(position.announce(1)).toBe(true);
    expect(position.announce(1)).toBe(false);
    expect(position.id).toBe('0.1');
    position.send(1, 17);
    expect(position.id).toBe('0.1.1-17');
    position.send(1, 'end');
    expect(position.id).toBe('1.1');
  });

  test('keeps apart turns that end before those ahead of them', () => {
    const position = new ConversationPosition();
    for (const number of [1, 2, 3, 4, 5, 6]) position.announce(number);
    position.send(1, 3);
    for (const number of [5, 3, 4]) position.send(number, 'end');
    expect(position.id).toBe('0.6.1-3.3_5');
    position.send(1, 'end');
    expect(position.id).toBe('1.6.3_5');
    position.send(2, 'end');
    expect(position.id).toBe('5.6');
    expect(position.sentOf(2)).toBe('end');
    expect(position.sentOf(6)).toBe(0);
  });

  test('is the same after any events, when it is read from its id', () => {
    // Turns that are announced, sent and ended in some mixed order.
    let seed = 7;
    const draw = (below: number): number => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed % below;
    };
    const position = new ConversationPosition();
    const sent = new Map<number, number | 'end'>();
    for (let step = 0, last = 0; step < 500; step += 1) {
      const number = 1 + draw(last + 1);
      if (number > last) position.announce((last = number));
      else if (sent.get(number) !== 'end') {
        const upTo = draw(4) === 0 ? 'end' : Number(sent.get(number) ?? 0) + 1;
        sent.set(number, upTo);
        position.send(number, upTo);
      }
      const read = ConversationPosition.parse(position.id);
      expect(read.id).toBe(position.id);
      for (let one = 1; one <= last; one += 1) expect(read.sentOf(one)).toBe(sent.get(one) ?? 0);
    }
  });

  test.each([
    ['all turns have ended', { last: 4, open: [] }, '4.4'],
    ['there is none', { last: 0, open: [] }, '0.0'],
    ['one waits behind others', { last: 6, open: [3, 5] }, '2.2.4_4.6_6'],
  ])('of now, when %s', (_case, turns, id) => {
    expect(ConversationPosition.now(turns).id).toBe(id);
  });

  test.each(['', '1', '1.2.3', '1.2.3-', 'x', '1.1.2_999999999', `1.1${'.2-3'.repeat(3000)}`])(
    'refuses the id %.20s',
    (id) => {
      expect(() => ConversationPosition.parse(id)).toThrow(/Last-Event-ID/);
    },
  );
});
