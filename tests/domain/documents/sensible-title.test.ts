import { describe, expect, test } from '@jest/globals';
import { isFileTitle, sensibleTitle } from '../../../domain/documents/sensible-title.ts';

describe('sensibleTitle', () => {
  test.each([
    ['Annual report 2024', 'Annual report 2024'],
    ['  Rules\n of the\thouse ', 'Rules of the house'],
    ['Re: offer no. 5', 'Re: offer no. 5'],
    ['就业规则', '就业规则'],
    ['Geschäftsbericht', 'Geschäftsbericht'],
    ['Node.js', 'Node.js'],
    ['Microsoft - Wikipedia', 'Microsoft - Wikipedia'],
    ['Microsoft Word for beginners', 'Microsoft Word for beginners'],
    ['Chapter 3. The pump', 'Chapter 3. The pump'],
  ])('takes %j', (found, title) => expect(sensibleTitle(found)).toBe(title));

  test.each([
    null,
    '',
    ' - ',
    '42',
    'Microsoft Word - letter to mum.doc',
    'Microsoft PowerPoint - Slides',
    'C:\\Users\\ann\\report.docx',
    'final_v3.indd',
    'untitled',
    'Document1',
    'Präsentation 2',
    'PowerPoint Presentation',
    '(anonymous)',
    '1.2 Scope',
    'Page 3',
    'a8098c1a-f86e-11da-bd1a-00112444be1e',
    'GeschÃ¤ftsbericht fÃ¼r ZÃ¼rich',
    'a title with \uFFFD in it',
    'long '.repeat(100),
  ])('leaves %j', (found) => expect(sensibleTitle(found)).toBeNull());

  test('cuts a long one between words', () => {
    const title = sensibleTitle('word '.repeat(60));
    expect(title).toMatch(/^(?:word )+…$/);
    expect(title!.length).toBeLessThanOrEqual(202);
  });
});

test('a title is the file’s when it is the last part of its path or name, or nothing', () => {
  expect(isFileTitle('b.pdf', 'a/b.pdf', null)).toBe(true);
  expect(isFileTitle('b.pdf', null, 'C:\\a\\b.pdf')).toBe(true);
  expect(isFileTitle('Untitled', null, null)).toBe(true);
  expect(isFileTitle('Bees', 'a/b.pdf', 'b.pdf')).toBe(false);
});
