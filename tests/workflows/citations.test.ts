import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';
import { v7 } from 'uuid';
import type { Citation } from '../../contracts/message.ts';
import { listCitations } from '../../entities/conversations/turn-repository.ts';
import { testTemporal } from '../support/servers/test-temporal.ts';
import { startConversationWorker, type ConversationWorker } from '../support/workspaces/conversation-worker.ts';
import { createConversation } from '../support/workspaces/create-workspace.ts';
import { ingestHarness } from '../support/workspaces/ingest-harness.ts';
import type { IngestWorkspace } from '../support/workspaces/ingest-workspace.ts';
import { turnClient } from '../support/workspaces/turn-client.ts';

jest.setTimeout(120_000);
const harness = ingestHarness();
const temporal = testTemporal();
let connection: Connection;
let worker: ConversationWorker;

beforeAll(async () => {
  connection = await Connection.connect({ address: temporal.address });
  worker = await startConversationWorker(harness.database, temporal);
});
afterAll(async () => {
  await worker?.stop();
  await connection?.close();
});

/** Asks an agent that searches the workspace's documents, and gives back what is stored of its answer's citations. */
async function ask(workspace: IngestWorkspace, question: string) {
  const ids = { workspaceId: workspace.workspaceId, userId: v7(), modelId: v7(), agentId: v7() };
  await workspace.query(`insert into users (id, workspace_id, external_id) values ($1, $2, 'ada')`, [
    ids.userId,
    ids.workspaceId,
  ]);
  await workspace.query(
    `insert into models (id, workspace_id, name, kind, provider, model_id, endpoint)
     values ($1, $2, 'chat', 'chat', 'openai', 'fake', $3)`,
    [ids.modelId, ids.workspaceId, harness.provider.url],
  );
  await workspace.query(`insert into agents (id, workspace_id, name, model_id) values ($1, $2, 'agent', $3)`, [
    ids.agentId,
    ids.workspaceId,
    ids.modelId,
  ]);
  await workspace.query(
    `insert into agent_tools (agent_id, workspace_id, position, tool_type, rag_tool_id)
     select $1, $2, row_number() over (order by id) - 1, 'rag_tool', id from rag_tools`,
    [ids.agentId, ids.workspaceId],
  );
  const client = new Client({ connection, namespace: temporal.namespace });
  const chat = turnClient(harness.database, client, ids, await createConversation(harness.database, ids));
  const turnId = await chat.send(question);
  expect(await chat.ended(turnId, 60_000)).toMatchObject({ state: 'completed' });
  const answer = (await chat.messages()).at(-1)!;
  const streamed = (await chat.events(turnId)).filter((event) => event.kind === 'citation');
  const stored = () =>
    harness.database.inWorkspace(ids.workspaceId, (em) => listCitations(em, [answer.id])) as Promise<Citation[]>;
  const [step] = await workspace.query<{ messages: { content: string }[] }>(
    `select request -> 'messages' as messages from turn_steps where turn_id = $1 and kind = 'model'`,
    [turnId],
  );
  return { prompt: step!.messages[0]!.content, streamed: streamed.map((event) => event.data), stored };
}

function contentOf(workspace: IngestWorkspace, { document_id, generation }: Citation) {
  return workspace
    .query<{ content: string | null }>(
      `select content from document_generations where document_id = $1 and generation = $2`,
      [document_id, generation],
    )
    .then(([row]) => row?.content ?? null);
}

/** A PDF of one line of large type and some of small on each page; readers find its objects without a table of them. */
function pdf(pages: readonly { heading: string; lines: readonly string[] }[]): Buffer {
  const objects = ['<</Type/Catalog/Pages 2 0 R>>'];
  const kids = pages.map((_, index) => `${4 + 2 * index} 0 R`).join(' ');
  objects.push(`<</Type/Pages/Count ${pages.length}/Kids[${kids}]>>`);
  objects.push('<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>');
  for (const [index, { heading, lines }] of pages.entries()) {
    const rows = lines.map((line) => `0 -16 Td (${line}) Tj`).join(' ');
    const stream = `BT /F1 24 Tf 72 720 Td (${heading}) Tj /F1 11 Tf 0 -20 Td ${rows} ET`;
    const resources = '/Resources<</Font<</F1 3 0 R>>>>/MediaBox[0 0 612 792]';
    objects.push(`<</Type/Page/Parent 2 0 R${resources}/Contents ${5 + 2 * index} 0 R>>`);
    objects.push(`<</Length ${stream.length}>>\nstream\n${stream}\nendstream`);
  }
  const body = objects.map((object, index) => `${index + 1} 0 obj\n${object}\nendobj\n`).join('');
  return Buffer.from(`%PDF-1.4\n${body}trailer\n<</Root 1 0 R/Size ${objects.length + 1}>>\n%%EOF\n`, 'latin1');
}

describe('citations (R30)', () => {
  test('R30: each resolves to its chunk and offsets, also when its document was ingested again', async () => {
    const { workspace } = harness;
    const path = 'manual.md';
    const text = `# Manual\n\nAn introduction.\n\n## Limits\n\nThe worker’s lease lasts “ten seconds” and no longer.\n`;
    const key = await harness.ingest({ sourcePath: path, title: 'Manual', bytes: Buffer.from(text) });
    const { streamed, stored } = await ask(workspace, 'How long does the lease last?');
    const [citation, ...others] = await stored();
    expect(others).toEqual([]);
    expect(citation).toMatchObject({ document_id: key.documentId, generation: 1, headings: ['Manual'], page: null });
    expect(citation!.quote.length).toBeGreaterThan(8);
    expect(streamed).toMatchObject([{ quote: citation!.quote, headings: citation!.headings, page: null }]);
    const [chunk] = await workspace.query<{ content: string; start_char: number; end_char: number }>(
      `select content, start_char, end_char from document_chunks
       where document_id = $1 and generation = 1 and chunk_index = $2`,
      [key.documentId, citation!.chunk_index],
    );
    expect(await contentOf(workspace, citation!)).toBe(text);
    expect(text.slice(citation!.start_char, citation!.end_char)).toBe(citation!.quote);
    expect(chunk!.start_char).toBeLessThanOrEqual(citation!.start_char);
    expect(chunk!.end_char).toBeGreaterThanOrEqual(citation!.end_char);
    expect(chunk!.content).toContain(citation!.quote);

    const changed = Buffer.from(`Another beginning.\n\n${text}`);
    await harness.ingest({ documentId: key.documentId, sourcePath: path, title: 'Manual', bytes: changed });
    const [again] = await stored();
    expect(again).toEqual({ ...citation!, chunk_index: null });
  });

  test('R30: a citation of a PDF says the page and the heading above the quote', async () => {
    const { workspace } = harness;
    const bytes = pdf([
      { heading: '3.1 Growth', lines: ['Tables grow by one partition for each embedding model.'] },
      { heading: '3.2 Limits', lines: ['A blob part holds one megabyte at most, and never more.'] },
    ]);
    await harness.ingest({ title: 'Report', documentType: 'pdf', mimeType: 'application/pdf', bytes });
    harness.provider.control({ default: { answer: 'It says "a blob part holds one megabyte at most" [1].' } });
    const { prompt, stored } = await ask(workspace, 'How large is a part of a blob?');
    const [citation] = await stored();
    expect(prompt).toMatch(/\n\n\[1\] Report, pages? \d.*, "3\.\d [GL]/);
    expect(citation).toMatchObject({
      quote: 'A blob part holds one megabyte at most',
      page: 2,
      page_end: 2,
      headings: ['3.2 Limits'],
    });
    const content = await contentOf(workspace, citation!);
    expect(content?.slice(citation!.start_char, citation!.end_char)).toBe(citation!.quote);
  });

  test('R30: a quote from a neighbour of a hit is of that chunk, and stands under its heading', async () => {
    const { workspace } = harness;
    const filler = 'Some more words make the section long enough for a chunk. '.repeat(3);
    const text = `# Leases\n\nA lease lasts for ten seconds. ${filler}\n\n# Blobs\n\nA part holds one megabyte. ${filler}\n`;
    const key = await harness.ingest({ title: 'Manual', bytes: Buffer.from(text) });
    await workspace.query(`update rag_tools set retrieval_params = '{"neighbours": 1}'`, []);
    const answer = 'First "a lease lasts for ten seconds" [1], then "a part holds one megabyte" [1].';
    harness.provider.control({ default: { answer } });
    const { stored } = await ask(workspace, 'What holds?');
    const citations = await stored();
    expect(citations).toMatchObject([
      { document_id: key.documentId, chunk_index: 0, headings: ['Leases'], quote: 'A lease lasts for ten seconds' },
      { document_id: key.documentId, chunk_index: 1, headings: ['Blobs'], quote: 'A part holds one megabyte' },
    ]);
    for (const { start_char, end_char, quote } of citations) expect(text.slice(start_char, end_char)).toBe(quote);
  });
});
