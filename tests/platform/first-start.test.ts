import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { query } from '../../entities/sql.ts';
import { createDatabase, type Database } from '../../platform/database.ts';
import { ensureFirstStart } from '../../platform/first-start.ts';
import { open } from '../../platform/seal.ts';
import { testDatabase } from '../support/servers/test-database.ts';

const { url } = testDatabase();
const secretKey = randomBytes(32).toString('base64');
let database: Database;
let home: string;
let provider: Server;
let address: string;
let answer: { status: number; body: unknown };

beforeAll(async () => {
  database = createDatabase({ DATABASE_URL: url, PERDURE_DATABASE_POOL: 8 }, 'first-start-test');
  home = mkdtempSync(path.join(tmpdir(), 'perdure-first-start-'));
  provider = createServer((_request, response) => {
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body));
  });
  await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
  address = `http://127.0.0.1:${(provider.address() as AddressInfo).port}/v1`;
});

afterAll(async () => {
  await database.close();
  await new Promise((resolve) => provider.close(resolve));
  rmSync(home, { recursive: true, force: true });
});

beforeEach(async () => {
  answer = { status: 200, body: { data: [{ id: 'model-a' }, { id: 'model-b' }] } };
  await database.asOperator(async (em) => {
    await query(em, 'set constraints all deferred');
    await query(em, `delete from workspaces where name = 'default'`);
  });
});

const settings = (more: { OPENAI_API_KEY?: string; OPENAI_BASE_URL?: string; PERDURE_CHAT_MODEL?: string } = {}) => ({
  PERDURE_HOME: home,
  PERDURE_SECRET_KEY: secretKey,
  PERDURE_CHAT_MODEL: 'model-a',
  ...more,
});
const rows = (text: string) => database.asOperator((em) => query(em, text));
const assistant = () =>
  rows(
    `select m.name, m.provider, a.version from agents a join models m on m.id = a.model_id where a.name = 'assistant'`,
  );

test('everything that a first question needs is there', async () => {
  const { apiKey, apiKeyFile, notices } = await ensureFirstStart(database, settings());
  expect(notices).toEqual([]);
  expect(apiKey).toMatch(/^pk_[\w-]{43}$/);
  expect(readFileSync(apiKeyFile, 'utf8')).toBe(`${apiKey}\n`);
  expect(statSync(apiKeyFile).mode & 0o777).toBe(0o600);
  expect(await rows('select prefix, key_hash, role from api_keys')).toEqual([
    { prefix: apiKey!.slice(0, 8), key_hash: createHash('sha256').update(apiKey!).digest(), role: 'admin' },
  ]);
  expect(await assistant()).toEqual([{ name: 'extractive', provider: 'extractive', version: 1 }]);
  expect(
    await rows(
      `select t.name, t.chunk_size, t.chunk_overlap, t.top_k, m.name as model, m.dimensions,
              exists (select from agent_tools l where l.agent_id = a.id and l.rag_tool_id = t.id) as used,
              to_regclass('chunk_embeddings_' || replace(m.id::text, '-', '')) is not null as registered
       from rag_tools t join models m on m.id = t.embedding_model_id join agents a on a.workspace_id = t.workspace_id`,
    ),
  ).toEqual([
    {
      name: 'documents',
      chunk_size: 240,
      chunk_overlap: 32,
      top_k: 5,
      model: 'all-MiniLM-L6-v2',
      dimensions: 384,
      used: true,
      registered: true,
    },
  ]);
  expect(await rows('select external_id from users')).toEqual([{ external_id: 'default' }]);
  expect(await rows('select name, type from knowledge_sources')).toEqual([{ name: 'uploads', type: 'upload' }]);
});

test('replicas that start at once make it once, and only one of them has a key to show', async () => {
  const starts = await Promise.all([1, 2, 3].map(() => ensureFirstStart(database, settings())));
  expect(starts.filter(({ apiKey }) => apiKey !== null)).toHaveLength(1);
  expect(await rows('select 1 from workspaces')).toHaveLength(1);
  expect((await ensureFirstStart(database, settings())).apiKey).toBeNull();
});

describe('a chat provider in the settings', () => {
  const withKey = (key: string, model = 'model-a') =>
    settings({ OPENAI_API_KEY: key, OPENAI_BASE_URL: address, PERDURE_CHAT_MODEL: model });

  test('is registered with its key sealed, and used by the assistant', async () => {
    expect((await ensureFirstStart(database, withKey('sk-one'))).notices).toEqual([]);
    expect(await assistant()).toEqual([{ name: 'model-a', provider: 'openai', version: 2 }]);
    const [model] = await rows(`select endpoint, api_key, model_id from models where provider = 'openai'`);
    expect(model).toMatchObject({ endpoint: address, model_id: 'model-a' });
    expect(open(secretKey, String(model!['api_key']))).toBe('sk-one');
  });

  test('is brought up to date when the key changes, and left as it is when nothing does', async () => {
    await ensureFirstStart(database, withKey('sk-one'));
    const key = async () => (await rows(`select api_key from models where provider = 'openai'`))[0]!['api_key'];
    const first = await key();
    await ensureFirstStart(database, withKey('sk-one'));
    expect(await key()).toBe(first);
    await ensureFirstStart(database, withKey('sk-two'));
    expect(open(secretKey, String(await key()))).toBe('sk-two');
    await ensureFirstStart(database, withKey('sk-two', 'model-b'));
    expect(await assistant()).toEqual([{ name: 'model-b', provider: 'openai', version: 3 }]);
  });

  test('that refuses the key is not registered, and the earlier one stays', async () => {
    answer = { status: 401, body: { error: { message: 'Incorrect API key: sk-bad' } } };
    const refused = await ensureFirstStart(database, withKey('sk-bad'));
    expect(refused.notices).toEqual([expect.stringMatching(/refused OPENAI_API_KEY \(HTTP 401\)/)]);
    expect(refused.notices.join()).not.toContain('sk-bad');
    expect(await assistant()).toMatchObject([{ name: 'extractive' }]);
    answer = { status: 200, body: { data: [] } };
    await ensureFirstStart(database, withKey('sk-good'));
    answer = { status: 403, body: {} };
    await ensureFirstStart(database, withKey('sk-bad'));
    const [model] = await rows(`select api_key from models where provider = 'openai'`);
    expect(open(secretKey, String(model!['api_key']))).toBe('sk-good');
    expect(await assistant()).toMatchObject([{ name: 'model-a' }]);
  });

  test('that cannot be reached, or is out of order, falls back with a notice', async () => {
    answer = { status: 503, body: {} };
    expect((await ensureFirstStart(database, withKey('sk'))).notices.join()).toContain('answered HTTP 503');
    const gone = settings({ OPENAI_API_KEY: 'sk', OPENAI_BASE_URL: 'http://127.0.0.1:1/v1' });
    expect((await ensureFirstStart(database, gone)).notices.join()).toContain('cannot be reached');
    expect(await assistant()).toMatchObject([{ name: 'extractive' }]);
  });

  test('that does not list the model is registered with a notice that names some it lists', async () => {
    const { notices } = await ensureFirstStart(database, withKey('sk', 'model-z'));
    expect(notices.join()).toMatch(/does not list the model model-z.*model-a, model-b/);
    expect(await assistant()).toMatchObject([{ name: 'model-z' }]);
  });

  test('without a key, as local servers are, needs none', async () => {
    await ensureFirstStart(database, settings({ OPENAI_BASE_URL: address }));
    expect(await rows(`select api_key from models where provider = 'openai'`)).toEqual([{ api_key: null }]);
  });

  test('does not take the assistant away from the model that a user gave it', async () => {
    await ensureFirstStart(database, settings());
    await rows(
      `with chosen as (
         insert into models (id, workspace_id, name, kind, provider, model_id)
         select gen_random_uuid(), id, 'chosen', 'chat', 'openai', 'chosen' from workspaces where name = 'default'
         returning id)
       select 1 from chosen`,
    );
    await rows(`update agents set model_id = (select id from models where name = 'chosen') where name = 'assistant'`);
    await ensureFirstStart(database, withKey('sk'));
    expect(await assistant()).toMatchObject([{ name: 'chosen' }]);
  });
});
