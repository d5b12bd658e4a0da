import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { indexChunks } from '../../../activities/ingestion/index-chunks.ts';
import { insertChunks } from '../../../entities/documents/document-chunk-repository.ts';
import {
  holdGeneration,
  storeContent,
  takeOverGeneration,
} from '../../../entities/documents/document-generation-repository.ts';
import { publishGeneration } from '../../../entities/documents/publish-generation.ts';
import { deleteDocument } from '../../../entities/documents/document-repository.ts';
import { insertChunkTerms } from '../../../entities/search/chunk-terms-repository.ts';
import { foldTermStatistics } from '../../../entities/search/term-statistics-repository.ts';
import { query } from '../../../entities/sql.ts';
import { createDatabase, type Database } from '../../../platform/database.ts';
import { checkLexicon } from '../../../activities/invariants/check-lexicon.ts';
import { seededRandom } from '../../domain/chunking/seeded-text.ts';
import { testDatabase } from '../../support/servers/test-database.ts';
import { createIngestWorkspace, type IngestWorkspace } from '../../support/workspaces/ingest-workspace.ts';

const { url } = testDatabase();
let database: Database;
let workspace: IngestWorkspace;

beforeAll(async () => {
  database = createDatabase({ DATABASE_URL: url, PERDURE_DATABASE_POOL: 12 }, 'term-statistics-test');
  workspace = await createIngestWorkspace(database);
});

afterAll(() => database.close());

const random = seededRandom(20261122);
const below = (limit: number) => Math.floor(random() * limit);
const passage = () => Array.from({ length: 5 + below(40) }, () => `word${Math.floor(80 * random() ** 2)}`).join(' ');

/** One ingest of new bytes under this path, from acceptance to publication. */
async function ingest(sourcePath: string): Promise<string> {
  const { workspaceId } = workspace;
  const contents = Array.from({ length: 1 + below(4) }, passage);
  const { documents } = await workspace.accept({ bytes: Buffer.from(contents.join('\n')), sourcePath });
  const run = { workspaceId, ...documents[0]!, runId: 'run', runStartedAt: new Date(1000) };
  const chunks = contents.map((content, index) => ({
    index,
    content,
    start: index * 1000,
    end: index * 1000 + content.length,
    tokens: 1,
    metadata: {},
  }));
  await database.inWorkspace(workspaceId, (em) => takeOverGeneration(em, run));
  await database.inWorkspace(workspaceId, async (em) => {
    if (!(await holdGeneration(em, run))) return;
    const indexing = indexChunks({ workspaceId, title: 'Title', language: 'en' }, chunks);
    let terms = indexing.next();
    while (!terms.done) terms = indexing.next();
    await insertChunks(em, run, chunks);
    await insertChunkTerms(em, run, terms.value);
    await storeContent(em, run, {
      content: contents.join('\n'),
      mimeType: 'text/plain',
      documentType: 'text',
      foundTitle: null,
      language: 'en',
      pages: [],
      warnings: [],
      expectedChunks: chunks.length,
    });
  });
  await database.inWorkspace(workspaceId, (em) => publishGeneration(em, run, []));
  return run.documentId;
}

const breaches = () => database.asOperator((em) => checkLexicon({ em, temporal: null, graceSeconds: 0 }));
const deltas = () =>
  database.asOperator(async (em) => {
    const [row] = await query<{ count: number }>(em, 'select count(*)::int as count from term_statistics_deltas');
    return row!.count;
  });

test('after random ingests, re-ingests, deletes and folds side by side, folded and unfolded statistics are exact', async () => {
  const documents = new Map<string, string>();
  for (let round = 0; round < 12; round += 1) {
    const paths = [...new Set(Array.from({ length: 6 }, () => `path/${below(15)}`))];
    await Promise.all([
      ...paths.map(async (path) => {
        const known = documents.get(path);
        if (known !== undefined && random() < 0.3) {
          documents.delete(path);
          await database.inWorkspace(workspace.workspaceId, (em) =>
            deleteDocument(em, { workspaceId: workspace.workspaceId, documentId: known }),
          );
        } else {
          documents.set(path, await ingest(path));
        }
      }),
      ...(random() < 0.5 ? [database.asOperator((em) => foldTermStatistics(em, 1 + below(8)))] : []),
    ]);
    expect(await breaches()).toEqual([]);
  }
  expect(documents.size).toBeGreaterThan(5);
  while ((await database.asOperator((em) => foldTermStatistics(em, 5))) > 0);
  expect(await deltas()).toBe(0);
  expect(await breaches()).toEqual([]);
});

test('with the last document the last term goes', async () => {
  for (const { id } of await database.asOperator((em) =>
    query<{ id: string }>(em, 'select id from documents where deleted_at is null'),
  )) {
    await database.inWorkspace(workspace.workspaceId, (em) =>
      deleteDocument(em, { workspaceId: workspace.workspaceId, documentId: id }),
    );
  }
  await database.asOperator((em) => foldTermStatistics(em, 1000));
  const left = await database.asOperator((em) =>
    query(em, `select key from term_statistics union all select key from chunk_terms, unnest(keys) as k (key)`),
  );
  expect(left).toEqual([]);
  expect(await breaches()).toEqual([]);
});

test('a workspace that is deleted takes its statistics along', async () => {
  await ingest('path/last');
  await database.asOperator((em) => query(em, 'delete from workspaces where id = $1', [workspace.workspaceId]));
  expect(await deltas()).toBe(0);
  expect(await breaches()).toEqual([]);
});
