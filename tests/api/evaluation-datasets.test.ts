import { beforeEach, describe, expect, test } from '@jest/globals';
import { relationsPart } from '../providers/parsers/formats/build-office.ts';
import { buildZip } from '../providers/parsers/formats/build-zip.ts';
import { expectProblem } from '../support/api/expect-problem.ts';
import { testApi } from '../support/api/test-api.ts';

const api = testApi();
let dataset: string;

beforeEach(async () => {
  const made = await api.call('POST', '/evaluation-datasets', { body: { name: `set ${Math.random()}` } });
  dataset = `/evaluation-datasets/${made.json.id}`;
});

const importFile = (text: string | Uint8Array<ArrayBuffer>, type: string, query = '') =>
  api.call('POST', `${dataset}/import${query}`, { raw: text, headers: { 'content-type': type } });
const casesOf = async (version?: number) => {
  const { json } = await api.call('GET', `${dataset}/cases${version ? `?version=${version}` : ''}`);
  return json.data as Array<Record<string, unknown>>;
};

describe('a file with cases', () => {
  test('is read from CSV by its column names, with lists, truth values, variables and other columns as metadata', async () => {
    const text = [
      'id,Question,Expected Answer,expected_documents,is_impossible,tags,variables.tone,source',
      'a,"Where, and when?",Here,hours.txt; https://example.org/x,no,one;two,calm,page 1',
      '"b","Is it',
      'open?",,"[{""document"": ""hours.txt"", ""grade"": 3}]",yes,,,',
    ].join('\r\n');
    const imported = await importFile(text, 'text/csv');
    expect(imported.json).toMatchObject({ version: 1, added: 2, changed: 0, removed: 0, unchanged: 0 });
    expect(await casesOf()).toMatchObject([
      {
        key: 'a',
        input: { question: 'Where, and when?', variables: { tone: 'calm' } },
        expected_answer: 'Here',
        expected_documents: [
          { document: 'hours.txt', grade: 1 },
          { document: 'https://example.org/x', grade: 1 },
        ],
        is_unanswerable: false,
        tags: ['one', 'two'],
        metadata: { source: 'page 1' },
      },
      {
        key: 'b',
        input: { question: 'Is it\r\nopen?' },
        expected_documents: [{ document: 'hours.txt', grade: 3 }],
        is_unanswerable: true,
      },
    ]);
  });

  test('is read from JSONL and from the first sheet of a workbook', async () => {
    const lines = '{"question": "One?", "answer": "1"}\n\n{"messages": [{"role": "user", "content": "Two?"}]}\n';
    expect((await importFile(lines, 'application/x-ndjson')).json).toMatchObject({ added: 2 });
    const cell = (text: string) => `<c t="inlineStr"><is><t>${text}</t></is></c>`;
    const main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"';
    const relations = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"';
    const workbook = buildZip({
      '_rels/.rels': relationsPart([['main', 'officeDocument', 'xl/workbook.xml']]),
      'xl/workbook.xml': `<workbook ${main} ${relations}><sheets><sheet name="Cases" r:id="s0"/></sheets></workbook>`,
      'xl/_rels/workbook.xml.rels': relationsPart([['s0', 'worksheet', 'worksheets/sheet0.xml']]),
      'xl/worksheets/sheet0.xml': `<worksheet ${main}><sheetData><row r="1">${cell('question')}${cell('answer')}</row>
        <row r="2">${cell('Three?')}${cell('3')}</row></sheetData></worksheet>`,
    });
    const type = 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet';
    const imported = await importFile(new Uint8Array(workbook), type);
    expect(imported.json).toMatchObject({ version: 2, added: 1, removed: 2 });
    expect(await casesOf()).toMatchObject([{ input: { question: 'Three?' }, expected_answer: '3' }]);
  });

  test('with mistakes changes nothing, and each is named with its line', async () => {
    await importFile('question\nOne?\n', 'text/csv');
    const wrong = await importFile('question,is_unanswerable,tags\nTwo?,maybe,\n,,x\n"Three?",,\n', 'text/csv');
    expectProblem(wrong, 'bad_request');
    expect(wrong.json.errors).toEqual([
      { path: 'line 2, is_unanswerable', message: 'must be true or false' },
      { path: 'line 3, question', message: expect.stringContaining('is missing') },
    ]);
    const broken = await importFile('{"question": "x"}\n{"question": \n', 'application/x-ndjson');
    expect(broken.json.errors).toEqual([{ path: 'line 2', message: 'must be one JSON object' }]);
    const twice = await importFile('key,question\na,One?\na,Two?\n', 'text/csv');
    expect(twice.json.detail).toContain('the key "a" is there twice');
    expect(await casesOf()).toMatchObject([{ input: { question: 'One?' } }]);
    expect((await api.call('GET', dataset)).json).toMatchObject({ version: 1, case_count: 1 });
  });
});

describe('a version', () => {
  const put = (cases: unknown[], mode = 'replace') => api.call('POST', `${dataset}/import`, { body: { mode, cases } });
  const one = { key: 'one', input: { question: 'One?' }, expected_answer: '1' };
  const two = { key: 'two', input: { question: 'Two?' }, expected_answer: '2' };

  test('comes of a change alone; unchanged cases keep their ids, and older versions stay as they were', async () => {
    expect((await put([one, two])).json).toMatchObject({ version: 1, added: 2 });
    const before = await casesOf();
    expect((await put([one, two])).json).toMatchObject({ version: 1, added: 0, unchanged: 2 });
    const changed = { ...two, expected_answer: 'two' };
    expect((await put([one, changed])).json).toMatchObject({ version: 2, changed: 1, removed: 0, unchanged: 1 });
    const after = await casesOf();
    expect(after[0]!['id']).toBe(before[0]!['id']);
    expect(await casesOf(1)).toMatchObject([{ key: 'one' }, { key: 'two', expected_answer: '2' }]);
    const { json } = await api.call('GET', `${dataset}/diff?from=1&to=2`);
    expect(json).toMatchObject({
      added: [],
      removed: [],
      changed: [{ before: { expected_answer: '2' }, after: { expected_answer: 'two' } }],
    });
    const hashes = (await api.call('GET', `${dataset}/versions`)).json.data as Array<{ content_hash: string }>;
    expect(new Set(hashes.map(({ content_hash: hash }) => hash)).size).toBe(2);
    expect((await put([one, two])).json).toMatchObject({ version: 3 });
    const [newest, , oldest] = (await api.call('GET', `${dataset}/versions`)).json.data;
    expect(newest.content_hash).toBe(oldest.content_hash);
  });

  test('that appends leaves the others, and takes the place of a case with the same key', async () => {
    await put([one]);
    expect((await put([two, { ...one, expected_answer: 'uno' }], 'append')).json).toMatchObject({
      version: 2,
      added: 1,
      changed: 1,
      removed: 0,
    });
    expect((await casesOf()).map(({ key, expected_answer: answer }) => [key, answer])).toEqual([
      ['two', '2'],
      ['one', 'uno'],
    ]);
  });

  test('is paged through in the order of its cases', async () => {
    await put(Array.from({ length: 5 }, (_, index) => ({ input: { question: `Question ${index}?` } })));
    const seen: string[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const { json } = await api.call('GET', `${dataset}/cases?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`);
      seen.push(...json.data.map(({ input }: { input: { question: string } }) => input.question));
      cursor = json.next_cursor;
    }
    expect(seen).toEqual([0, 1, 2, 3, 4].map((index) => `Question ${index}?`));
  });
});

test('a rated answer becomes a case that waits for a person, once', async () => {
  const conversation = await api.call('POST', '/conversations', { body: { agent: 'assistant', user: 'ada' } });
  const { json } = await api.call('POST', `/conversations/${conversation.json.id}/messages`, {
    body: { content: 'When is it open?' },
  });
  const answer = crypto.randomUUID();
  const { database, tenant } = api;
  const { query } = await import('../../entities/sql.ts');
  await database.asOperator((em) =>
    query(
      em,
      `with answer as (
         insert into messages (id, workspace_id, conversation_id, sequence, sender, content, parent_id)
         values ($1, $2, $3, 2, 'assistant', 'From 8 to 17.', $4))
       insert into feedback (message_id, user_id, workspace_id, rating, comment)
       select $1, id, $2, 1, 'right' from users where workspace_id = $2`,
      [answer, tenant.workspaceId, conversation.json.id, json.message.id],
    ),
  );
  const propose = () => api.call('POST', `${dataset}/from-feedback`, { body: {} });
  expect((await propose()).json).toMatchObject({ proposed: 1 });
  expect((await propose()).json).toMatchObject({ proposed: 0 });
  const waiting = (await api.call('GET', `${dataset}/cases?state=proposed`)).json.data;
  expect(waiting).toMatchObject([
    { input: { question: 'When is it open?' }, expected_answer: 'From 8 to 17.', tags: ['liked'], first_version: null },
  ]);
  const accepted = await api.call('POST', `${dataset}/accept`, { body: { accept: [waiting[0].id] } });
  expect(accepted.json).toMatchObject({ accepted: 1, proposed: 0, dataset: { version: 1, case_count: 1 } });
});
