import { describe, expect, test } from '@jest/globals';
import { embeddingText } from '../../../domain/chunking/embedding-text.ts';

const countTokens = (text: string) => text.split(/\s+/).filter((word) => word !== '' && word !== '›').length;
const chunk = { title: 'Manual', headings: ['Limits', 'Upload sizes'], tableHeader: null, content: 'At most 1 MB.' };

describe('embeddingText', () => {
  test('puts title, headings and the header of a continued table before the content', () => {
    expect(embeddingText(chunk)).toBe('Manual › Limits › Upload sizes\nAt most 1 MB.');
    expect(embeddingText({ ...chunk, tableHeader: '| kind | size |' })).toBe(
      'Manual › Limits › Upload sizes\n| kind | size |\nAt most 1 MB.',
    );
    expect(embeddingText({ ...chunk, title: null, headings: [] })).toBe('At most 1 MB.');
  });

  test('repeats neither the heading that the content begins with nor a title that is also a heading', () => {
    const content = '## Upload sizes\n\nAt most 1 MB.';
    expect(embeddingText({ ...chunk, content })).toBe(`Manual › Limits\n${content}`);
    expect(embeddingText({ ...chunk, headings: ['Manual', 'Limits'] })).toBe('Manual › Limits\nAt most 1 MB.');
  });

  test('cuts the context, never the content, to the room', () => {
    const room = (tokens: number) => ({ tokens, countTokens });
    expect(embeddingText(chunk, room(8))).toBe('Manual › Limits › Upload sizes\nAt most 1 MB.');
    expect(embeddingText(chunk, room(7))).toBe('Manual › Upload sizes\nAt most 1 MB.');
    expect(embeddingText(chunk, room(6))).toBe('Upload sizes\nAt most 1 MB.');
    expect(embeddingText(chunk, room(5))).toBe('At most 1 MB.');
    expect(embeddingText(chunk, room(1))).toBe('At most 1 MB.');
  });
});
