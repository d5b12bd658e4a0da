import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { query } from '../../entities/sql.ts';
import { uuidV7 } from '../../entities/uuid-v7.ts';
import { createDatabase, type Database } from '../../platform/database.ts';
import { makeWorkspace, type TestWorkspace } from '../support/data/make-workspace.ts';
import { testDatabase } from '../support/servers/test-database.ts';

const { url } = testDatabase();
let database: Database;
let workspace: TestWorkspace;

beforeAll(async () => {
  database = createDatabase({ DATABASE_URL: url, PERDURE_DATABASE_POOL: 8 }, 'schema-rules-test');
  workspace = await makeWorkspace(database);
});

afterAll(() => database.close());

const rows = (text: string, parameters: unknown[] = []) => database.asOperator((em) => query(em, text, parameters));

describe('durability', () => {
  test('what is committed is on the disk', async () => {
    const [settings] = await rows(
      `select current_setting('fsync') as fsync, current_setting('full_page_writes') as full_page_writes,
              current_setting('synchronous_commit') as synchronous_commit`,
    );
    expect(settings).toEqual({ fsync: 'on', full_page_writes: 'on', synchronous_commit: 'on' });
  });

  test('no table and no index is unlogged or temporary', async () => {
    expect(
      await rows(`select relname from pg_class where relnamespace = 'public'::regnamespace and relpersistence <> 'p'`),
    ).toEqual([]);
  });
});

describe('indexes', () => {
  test.each([
    ['agents_name_idx', 'agents', '(name)'],
    ['conversations_agent_id_idx', 'conversations', '(workspace_id, agent_id)'],
    ['usage_metrics_timestamp_idx', 'usage_metrics', '("timestamp")'],
    ['knowledge_sources_type_idx', 'knowledge_sources', '(type)'],
    ['documents_user_id_idx', 'documents', '(workspace_id, user_id)'],
    ['documents_is_global_idx', 'documents', '(workspace_id, is_global)'],
    ['documents_created_at_idx', 'documents', '(workspace_id, created_at DESC)'],
    ['chunk_terms_keys_idx', 'chunk_terms', 'USING gin (keys)'],
  ])('%s is there', async (name, table, columns) => {
    const [index] = await rows('select tablename, indexdef from pg_indexes where indexname = $1', [name]);
    expect(index).toMatchObject({ tablename: table, indexdef: expect.stringContaining(columns) });
  });

  test('every foreign key that deletes or clears its rows can find them by an index', async () => {
    const slow = await rows(
      `select conrelid::regclass::text as table, conname from pg_constraint k
       where contype = 'f' and connamespace = 'public'::regnamespace and confdeltype in ('c', 'n')
         and (select count(*) from pg_constraint parent where parent.oid = k.conparentid) = 0
         and not exists (
           select from pg_index i where i.indrelid = k.conrelid and i.indpred is null
             and (i.indkey::int2[])[0] = any (k.conkey)
             and (cardinality(k.conkey) = 1 or (i.indkey::int2[])[1] = any (k.conkey) or i.indnkeyatts = 1
                  or (i.indkey::int2[])[0] <> k.conkey[1]))`,
    );
    expect(slow).toEqual([
      // Embedding models are deleted softly; their citations are never looked for.
      { table: 'citations', conname: 'citations_workspace_id_embedding_model_id_fkey' },
      { table: 'ingestion_jobs', conname: 'ingestion_jobs_workspace_id_knowledge_source_id_fkey' },
    ]);
  });
});

describe('times', () => {
  test('every table says when its rows were made', async () => {
    const without = await rows(
      `select relname from pg_class c
       where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and relname <> 'mikro_orm_migrations'
         and not exists (select from pg_attribute a where a.attrelid = c.oid
                         and a.attname in ('created_at', 'started_at', 'timestamp'))`,
    );
    expect(without).toEqual([]);
  });

  test('a statement that forgets updated_at does not leave it behind', async () => {
    const untouched = await rows(
      `select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'updated_at'
       where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'
         and not exists (select from pg_trigger t where t.tgrelid = c.oid and t.tgname = 'touch_updated_at')`,
    );
    expect(untouched).toEqual([]);
    const change = (set: string) =>
      rows(`update agents set ${set} where id = $1 returning updated_at > created_at as later, updated_at`, [
        workspace.agentId,
      ]);
    expect(await change(`name = 'renamed'`)).toMatchObject([{ later: true }]);
    expect(await change(`updated_at = '2030-01-01Z'`)).toMatchObject([{ updated_at: new Date('2030-01-01') }]);
  });

  test('every time has its zone', async () => {
    expect(
      await rows(
        `select table_name, column_name from information_schema.columns
         where table_schema = 'public' and data_type = 'timestamp without time zone'`,
      ),
    ).toEqual([]);
  });
});

describe('checks', () => {
  test('every column that is an enumeration refuses a value it does not know', async () => {
    const open = await rows(
      `select c.table_name, c.column_name from information_schema.columns c
       where table_schema = 'public' and column_name in ('status', 'state', 'kind', 'role', 'sender', 'document_type',
               'stage', 'entity_type', 'retrieval_strategy')
         and table_name not in ('turn_events', 'audit_log')
         and not exists (select from pg_constraint k
                         where k.conrelid = format('public.%I', c.table_name)::regclass and k.contype = 'c'
                           and pg_get_constraintdef(k.oid) like format('%%(%s = ANY%%', c.column_name))`,
    );
    expect(open).toEqual([]);
  });

  test.each([
    ['a temperature above 2', `update agents set temperature = 2.1 where id = $1`, 'agentId'],
    ['an empty name', `update agents set name = '' where id = $1`, 'agentId'],
    ['topics that are no list', `update agents set topics = '{}' where id = $1`, 'agentId'],
    ['an unknown kind of model', `update models set kind = 'other' where id = $1`, 'modelId'],
    ['a chat model with dimensions', `update models set dimensions = 3 where id = $1`, 'modelId'],
    ['an embedding model without dimensions', `update models set kind = 'embedding' where id = $1`, 'modelId'],
    ['an API key that is not sealed', `update models set api_key = 'sk-plain' where id = $1`, 'modelId'],
  ] as const)('%s is refused', async (_name, statement, id) => {
    await expect(rows(statement, [workspace[id]])).rejects.toMatchObject({ code: '23514' });
  });

  test.each([
    ['an unknown status', `status = 'ghost'`],
    ['an unknown type', `document_type = 'exe'`],
    ['a served generation that was never made', 'active_generation = 1'],
    ['a deleted document that is still served', 'active_generation = 1, latest_generation = 1, deleted_at = now()'],
  ])('a document with %s is refused', async (_name, set) => {
    const id = uuidV7();
    await rows(`insert into documents (id, workspace_id, title, document_type) values ($1, $2, 't', 'text')`, [
      id,
      workspace.workspaceId,
    ]);
    await expect(rows(`update documents set ${set} where id = $1`, [id])).rejects.toMatchObject({ code: '23514' });
  });

  test('progress is computed, and a job cannot finish more documents than it has', async () => {
    const id = uuidV7();
    await rows('insert into ingestion_jobs (id, workspace_id, total_documents) values ($1, $2, 3)', [
      id,
      workspace.workspaceId,
    ]);
    const finish = (processed: number, failed: number) =>
      rows(
        `update ingestion_jobs set processed_documents = $2, failed_documents = $3 where id = $1
         returning progress_percent`,
        [id, processed, failed],
      );
    expect(await finish(1, 1)).toEqual([{ progress_percent: '66.67' }]);
    await expect(finish(3, 1)).rejects.toMatchObject({ code: '23514' });
    await expect(rows('update ingestion_jobs set progress_percent = 5 where id = $1', [id])).rejects.toMatchObject({
      code: '428C9',
    });
  });
});

describe('names', () => {
  test('are unique in a workspace among what is not deleted', async () => {
    const insert = (workspaceId: string) =>
      rows(
        `insert into knowledge_sources (id, workspace_id, name, type) values ($1, $2, 'twice', 'upload') returning id`,
        [uuidV7(), workspaceId],
      );
    const [first] = await insert(workspace.workspaceId);
    await expect(insert(workspace.workspaceId)).rejects.toMatchObject({ code: '23505' });
    const other = await makeWorkspace(database);
    await expect(insert(other.workspaceId)).resolves.toHaveLength(1);
    await rows('update knowledge_sources set deleted_at = now() where id = $1', [first!['id']]);
    await expect(insert(workspace.workspaceId)).resolves.toHaveLength(1);
  });

  test('a path of one source is one document, and a path without a source too', async () => {
    const insert = (sourcePath: string | null) =>
      rows(
        `insert into documents (id, workspace_id, title, document_type, source_path) values ($1, $2, 't', 'text', $3)`,
        [uuidV7(), workspace.workspaceId, sourcePath],
      );
    await insert('a.md');
    await expect(insert('a.md')).rejects.toMatchObject({ code: '23505' });
    await insert(null);
    await expect(insert(null)).resolves.toEqual([]);
  });
});

test('functions are for the roles that need them, and for nobody else', async () => {
  const publicly = await rows(
    `select p.oid::regprocedure::text from pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
     where p.pronamespace = 'public'::regnamespace and a.grantee = 0
       and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')`,
  );
  expect(publicly).toEqual([]);
  const unpinned = await rows(
    `select p.oid::regprocedure::text from pg_proc p
     where p.pronamespace = 'public'::regnamespace and p.prosecdef
       and not exists (select from unnest(p.proconfig) setting where setting like 'search_path=%')`,
  );
  expect(unpinned).toEqual([]);
});

test('the operator may maintain every table', async () => {
  expect(
    await rows(
      `select relname from pg_class
       where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and relname <> 'mikro_orm_migrations'
         and not has_table_privilege('perdure_operator', oid, 'MAINTAIN')`,
    ),
  ).toEqual([]);
});
