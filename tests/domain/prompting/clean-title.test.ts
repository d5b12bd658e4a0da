import { expect, test } from '@jest/globals';
import { cleanTitle } from '../../../domain/prompting/clean-title.ts';

test.each([
  ['"Opening hours in July."\n\nI hope this helps!', 'Opening hours in July'],
  ['# Title: Tea', 'Tea'],
  ['\n\n  **Refunds   and\treturns**  ', 'Refunds and returns'],
  ['„Öffnungszeiten“', 'Öffnungszeiten'],
  ['And then…', 'And then…'],
  ['Wait...', 'Wait...'],
  ['   ', ''],
  ['😀'.repeat(100), `${'😀'.repeat(79)}…`],
])('%j becomes the title %j', (text, title) => {
  expect(cleanTitle(text)).toBe(title);
});
