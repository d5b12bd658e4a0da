import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  ApiKey,
  Conversation,
  Document,
  DocumentChunk,
  DocumentGeneration,
  entities,
  IngestionJob,
  UsageMetric,
} from '../../entities/index.ts';
import { query } from '../../entities/sql.ts';
import { uuidV7 } from '../../entities/uuid-v7.ts';
import { createDatabase, type Database } from '../../platform/database.ts';
import { makeWorkspace, type TestWorkspace } from '../support/data/make-workspace.ts';
import { testDatabase } from '../support/servers/test-database.ts';

const { url } = testDatabase();
let database: Database;
let workspace: TestWorkspace;

beforeAll(async () => {
  database = createDatabase({ DATABASE_URL: url, PERDURE_DATABASE_POOL: 8 }, 'mapping-test');
  workspace = await makeWorkspace(database);
});

afterAll(() => database.close());

test('every table but that of the vectors has one entity, which reads it', async () => {
  const tables = await database.asOperator((em) =>
    query<{ name: string }>(
      em,
      `select relname as name from pg_class
       where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition
         and relname not in ('mikro_orm_migrations', 'chunk_embeddings') order by 1`,
    ),
  );
  expect(entities.map((entity) => entity.meta.tableName).toSorted()).toEqual(tables.map(({ name }) => name));
  for (const entity of entities)
    expect(Array.isArray(await database.asOperator((em) => em.find(entity as never, {}, { limit: 1 })))).toBe(true);
});

test('values come back as they were given', async () => {
  const { workspaceId, agentId, modelId, userId } = workspace;
  const ids = { document: uuidV7(), job: uuidV7(), usage: uuidV7(), key: uuidV7(), conversation: uuidV7() };
  const hash = Buffer.from([0, 1, 2, 255]);
  await database.inWorkspace(workspaceId, async (em) => {
    em.create(ApiKey, {
      id: ids.key,
      workspaceId,
      name: 'k',
      prefix: 'pk_',
      keyHash: hash,
      role: 'member',
      scopes: ['a,b', 'c'],
    });
    em.create(IngestionJob, { id: ids.job, workspaceId, totalDocuments: 8, processedDocuments: 1 });
    em.create(Document, {
      id: ids.document,
      workspaceId,
      title: 'Ünï',
      documentType: 'text',
      metadata: { deep: [1, null] },
    });
    em.create(UsageMetric, {
      id: ids.usage,
      workspaceId,
      entityType: 'agent',
      entityId: agentId,
      modelId,
      cost: '0.0000000001',
      currency: 'EUR',
    });
    em.create(Conversation, {
      id: ids.conversation,
      workspaceId,
      agentId,
      userId,
      lastSequence: Number.MAX_SAFE_INTEGER,
    });
    await em.flush();
    em.create(DocumentGeneration, {
      workspaceId,
      documentId: ids.document,
      generation: 1,
      jobId: ids.job,
      workflowId: 'w',
      mimeType: 'text/plain',
      byteSize: 4,
      contentHash: hash,
      chunkSize: 200,
      chunkOverlap: 32,
      warnings: [{ code: 'x' }],
    });
    await em.flush();
    em.create(DocumentChunk, {
      workspaceId,
      documentId: ids.document,
      generation: 1,
      chunkIndex: 0,
      content: 'running dogs',
      startChar: 0,
      endChar: 12,
      tokenCount: 2,
    });
  });
  await database.inWorkspace(workspaceId, async (em) => {
    const key = await em.findOneOrFail(ApiKey, { id: ids.key });
    expect({ hash: Buffer.from(key.keyHash), scopes: key.scopes, used: key.lastUsedAt }).toEqual({
      hash,
      scopes: ['a,b', 'c'],
      used: null,
    });
    expect(await em.findOneOrFail(IngestionJob, { id: ids.job })).toMatchObject({
      progressPercent: '12.50',
      errors: [],
      status: 'queued',
    });
    expect(await em.findOneOrFail(Document, { id: ids.document })).toMatchObject({
      title: 'Ünï',
      metadata: { deep: [1, null] },
      isGlobal: false,
      activeGeneration: null,
      createdAt: expect.any(Date),
    });
    expect(await em.findOneOrFail(UsageMetric, { id: ids.usage })).toMatchObject({
      cost: '0.0000000001',
      currency: 'EUR',
      promptTokens: null,
      state: 'started',
    });
    expect((await em.findOneOrFail(Conversation, { id: ids.conversation })).lastSequence).toBe(Number.MAX_SAFE_INTEGER);
    const key4 = { workspaceId, documentId: ids.document, generation: 1, chunkIndex: 0 };
    const chunk = await em.findOneOrFail(DocumentChunk, key4);
    expect(chunk.metadata).toEqual({});
    expect(await em.findOneOrFail(DocumentGeneration, { documentId: ids.document, generation: 1 })).toMatchObject({
      byteSize: 4,
      warnings: [{ code: 'x' }],
      stage: 'accepted',
    });
  });
});

test('a change through the ORM is written once, with its time', async () => {
  const { workspaceId, agentId, userId } = workspace;
  const id = uuidV7();
  await database.inWorkspace(workspaceId, async (em) => {
    em.create(Conversation, { id, workspaceId, agentId, userId });
  });
  const first = await database.inWorkspace(workspaceId, (em) => em.findOneOrFail(Conversation, { id }));
  await database.inWorkspace(workspaceId, async (em) => {
    (await em.findOneOrFail(Conversation, { id })).title = 'Named';
  });
  const second = await database.inWorkspace(workspaceId, (em) => em.findOneOrFail(Conversation, { id }));
  expect(second.title).toBe('Named');
  expect(second.updatedAt.getTime()).toBeGreaterThan(first.updatedAt.getTime());
  expect(second.createdAt).toEqual(first.createdAt);
});
