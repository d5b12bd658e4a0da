import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Agent, Workspace } from '../../entities/index.ts';
import { foreignKeys } from '../../entities/foreign-keys.ts';
import { query } from '../../entities/sql.ts';
import { uuidV7 } from '../../entities/uuid-v7.ts';
import { createDatabase, type Database } from '../../platform/database.ts';
import { makeWorkspace, type TestWorkspace } from '../support/data/make-workspace.ts';
import { testDatabase } from '../support/servers/test-database.ts';

const { url } = testDatabase();
let database: Database;
let own: TestWorkspace;
let foreign: TestWorkspace;

beforeAll(async () => {
  database = createDatabase({ DATABASE_URL: url, PERDURE_DATABASE_POOL: 8 }, 'isolation-test');
  own = await makeWorkspace(database);
  foreign = await makeWorkspace(database);
});

afterAll(() => database.close());

test('every table but that of the migrations isolates workspaces for the application, and is open to the operator', async () => {
  const unsafe = await database.asOperator((em) =>
    query(
      em,
      `select c.relname from pg_class c
       where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and c.relname <> 'mikro_orm_migrations'
         and not (c.relrowsecurity
           and exists (select from pg_policy p where p.polrelid = c.oid and p.polname = 'workspace_isolation'
                       and p.polroles = array['perdure_app'::regrole::oid] and p.polcmd = '*'
                       and pg_get_expr(p.polqual, p.polrelid) like '%id = (NULLIF(current_setting(''perdure.workspace_id''%')
           and exists (select from pg_policy p where p.polrelid = c.oid and p.polname = 'operator_access')
           and (select count(*) from pg_policy p where p.polrelid = c.oid) = 2)`,
    ),
  );
  expect(unsafe).toEqual([]);
});

test('no table lets the application in past its policies', async () => {
  const [row] = await database.asOperator((em) =>
    query(em, `select rolbypassrls, rolsuper from pg_roles where rolname = 'perdure_app'`),
  );
  expect(row).toEqual({ rolbypassrls: false, rolsuper: false });
  const owned = await database.asOperator((em) =>
    query(
      em,
      `select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
         and pg_has_role('perdure_app', relowner, 'USAGE')`,
    ),
  );
  expect(owned).toEqual([]);
});

describe('without a workspace', () => {
  test('the application sees nothing', async () => {
    for (const table of ['workspaces', 'users', 'models', 'agents', 'api_keys'])
      expect(await database.autocommit((em) => query(em, `select 1 from ${table}`))).toEqual([]);
  });

  test('the application writes nothing', async () => {
    const write = database.autocommit((em) =>
      query(em, `insert into users (id, workspace_id, external_id) values ($1, $2, 'x')`, [uuidV7(), own.workspaceId]),
    );
    await expect(write).rejects.toMatchObject({ code: '42501' });
  });
});

describe('inside a workspace', () => {
  const inside = <T>(work: Parameters<Database['asOperator']>[0]) =>
    database.inWorkspace(own.workspaceId, work) as Promise<T>;

  test('only its own rows are found, through the ORM and by SQL', async () => {
    expect(await inside((em) => em.find(Workspace, {}))).toHaveLength(1);
    const agents = await inside<Agent[]>((em) => em.find(Agent, {}));
    expect(agents.map(({ id }) => id)).toEqual([own.agentId]);
    expect(await inside((em) => em.findOne(Agent, { id: foreign.agentId }))).toBeNull();
    expect(await inside((em) => query(em, 'select 1 from agents where id = $1', [foreign.agentId]))).toEqual([]);
  });

  test('foreign rows can be neither changed, nor deleted, nor added, nor taken over', async () => {
    expect(
      await inside((em) => query(em, `update agents set name = 'x' where id = $1 returning id`, [foreign.agentId])),
    ).toEqual([]);
    expect(await inside((em) => query(em, 'delete from agents where id = $1 returning id', [foreign.agentId]))).toEqual(
      [],
    );
    const adding = inside((em) =>
      query(em, `insert into users (id, workspace_id, external_id) values ($1, $2, 'x')`, [
        uuidV7(),
        foreign.workspaceId,
      ]),
    );
    await expect(adding).rejects.toMatchObject({ code: '42501' });
    const giving = inside((em) => query(em, 'update users set workspace_id = $1', [foreign.workspaceId]));
    await expect(giving).rejects.toMatchObject({ code: '42501' });
  });

  // Checks of foreign keys bypass row-level security: a key without the workspace would accept a foreign id.
  test('a reference to a foreign row is refused by the key itself', async () => {
    const referring = inside((em) =>
      query(em, 'update agents set model_id = $1 where id = $2', [foreign.modelId, own.agentId]),
    );
    await expect(referring).rejects.toMatchObject({ code: '23503' });
    const conversing = inside((em) =>
      query(em, 'insert into conversations (id, workspace_id, agent_id, user_id) values ($1, $2, $3, $4)', [
        uuidV7(),
        own.workspaceId,
        own.agentId,
        foreign.userId,
      ]),
    );
    await expect(conversing).rejects.toMatchObject({ code: '23503' });
  });

  test('the workspace is part of every foreign key but those to the workspaces themselves', async () => {
    const without = await database.asOperator((em) =>
      query(
        em,
        `select conrelid::regclass, conname from pg_constraint k
         where k.contype = 'f' and k.connamespace = 'public'::regnamespace and k.confrelid <> 'workspaces'::regclass
           and not exists (select from pg_attribute a where a.attrelid = k.conrelid and a.attname = 'workspace_id'
                           and a.attnum = any (k.conkey))`,
      ),
    );
    expect(without).toEqual([]);
    expect(
      foreignKeys
        .filter((key) => key.referencedTable !== 'workspaces')
        .every((key) => key.columns[0] === 'workspace_id'),
    ).toBe(true);
  });
});
