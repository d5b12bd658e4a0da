import { expect, test } from '@jest/globals';
import { relevanceOf } from '../../../domain/evaluations/relevance.ts';

const passage = (id: string, path: string | null, more: { title?: string; url?: string; chunk?: number } = {}) => ({
  document_id: id,
  chunk_index: more.chunk ?? 0,
  title: more.title ?? 'Untitled',
  source_url: more.url ?? null,
  source_path: path,
});
const relevant = (...names: string[]) => ({
  expected_documents: names.map((document) => ({ document, grade: 1 })),
  expected_chunks: [],
});

test.each([
  ['its id', 'one'],
  ['its path', '/srv/docs/desk/hours.md'],
  ['the end of its path', 'desk/hours.md'],
  ['the name of its file', 'hours.md'],
  ['its title', 'Hours'],
  ['its source URL', 'https://example.com/hours'],
])('a document goes by %s', (_, name) => {
  const found = passage('one', '/srv/docs/desk/hours.md', { title: 'Hours', url: 'https://example.com/hours' });
  expect(relevanceOf([passage('other', null), found], relevant(name))).toEqual({
    ranked: ['other', name],
    relevant: [{ key: name, grade: 1 }],
  });
});

test('part of the name of a file or folder is no name', () => {
  for (const name of ['ours.md', 'esk/hours.md', 'desk', 'docs/hours.md'])
    expect(relevanceOf([passage('one', '/srv/docs/desk/hours.md')], relevant(name)).ranked).toEqual(['one']);
});

test('a document that was found by several passages counts once, at its best rank; chunks count one by one', () => {
  const found = [passage('one', 'hours.md'), passage('two', 'place.md'), passage('one', 'hours.md', { chunk: 1 })];
  expect(relevanceOf(found, relevant('hours.md')).ranked).toEqual(['hours.md', 'two']);
  const chunks = { expected_documents: [], expected_chunks: [{ document: 'hours.md', chunk_index: 1, grade: 2 }] };
  expect(relevanceOf(found, chunks)).toEqual({
    ranked: ['hours.md#0', 'two#0', 'hours.md#1'],
    relevant: [{ key: 'hours.md#1', grade: 2 }],
  });
});
