import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import pg from 'pg';
import { createDatabase } from '../../../platform/database.ts';
import type { Database } from '../../../platform/database.ts';
import { summarizeQuery, traceQueries } from '../../../platform/telemetry/query-spans.ts';
import { SafeSpanProcessor } from '../../../platform/telemetry/safe-span-processor.ts';
import { testDatabase } from '../../support/servers/test-database.ts';

describe('the summary of a statement', () => {
  test.each([
    ['select * from "documents" as d where d.id = $1', 'SELECT documents'],
    ['select "d0".* from "public"."documents" as "d0"', 'SELECT public.documents'],
    ['/* who asks */ select hybrid_search($1, $2)', 'SELECT hybrid_search'],
    ['select id, (select count(*) from chunks) from documents', 'SELECT chunks'],
    ['select count(*) from documents', 'SELECT documents'],
    ['select extract(epoch from t.created_at), * from turns t', 'SELECT turns'],
    ["insert into turn_events (turn_id, data) values ($1, 'x')", 'INSERT turn_events'],
    ['update only documents set title = $1', 'UPDATE documents'],
    ['delete from blobs where id = $1', 'DELETE blobs'],
    ['with fenced as (select 1 from turns) insert into turn_events select * from fenced', 'INSERT turn_events'],
    ['with a as (select 1) select * from a', 'SELECT a'],
    ['commit', 'COMMIT'],
    ["select 'a secret'", 'SELECT'],
    ['', 'SQL'],
  ])('%s', (statement, name) => {
    expect(summarizeQuery(statement).name).toBe(name);
  });
});

describe('the spans of statements', () => {
  const database = testDatabase();
  const exporter = new InMemorySpanExporter();
  let product: Database;
  let restore: () => void;

  beforeAll(() => {
    trace.setGlobalTracerProvider(
      new BasicTracerProvider({ spanProcessors: [new SafeSpanProcessor(new SimpleSpanProcessor(exporter))] }),
    );
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    restore = traceQueries();
    product = createDatabase({ DATABASE_URL: database.url, PERDURE_DATABASE_POOL: 4 }, 'query-spans');
  });

  afterAll(async () => {
    await product.close();
    restore();
    trace.disable();
    context.disable();
  });

  async function spansOf(work: () => Promise<unknown>) {
    exporter.reset();
    await trace.getTracer('test').startActiveSpan('parent', async (span) => {
      await work().finally(() => span.end());
    });
    return exporter.getFinishedSpans();
  }

  test("stand under whoever runs them, also through the ORM's pool, without text or values", async () => {
    const spans = await spansOf(() =>
      product.asOperator(async (em) => {
        await em
          .getConnection()
          .execute(
            'select name from workspaces where name = ?',
            ['a-private-value'],
            'all',
            em.getTransactionContext(),
          );
      }),
    );
    const parent = spans.find((span) => span.name === 'parent')!;
    const select = spans.find((span) => span.name === 'SELECT workspaces')!;
    expect(select.parentSpanContext?.spanId).toBe(parent.spanContext().spanId);
    expect(select.attributes).toEqual({
      'db.system.name': 'postgresql',
      'db.namespace': new URL(database.url).pathname.slice(1),
      'db.operation.name': 'SELECT',
      'db.query.summary': 'SELECT workspaces',
      'db.collection.name': 'workspaces',
    });
    expect(spans.map((span) => span.name)).toContain('COMMIT');
    expect(JSON.stringify(spans.map(({ name, attributes, events }) => ({ name, attributes, events })))).not.toContain(
      'a-private-value',
    );
  });

  test('carry the SQLSTATE of a failure; callbacks work, and nothing is made outside a span', async () => {
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    const failed = await spansOf(() => client.query('select 1/$1::int', [0]).catch(() => undefined));
    expect(failed.find((span) => span.name === 'SELECT')).toMatchObject({
      status: { code: 2, message: '22012' },
      attributes: { 'error.type': '22012' },
    });
    const called = await spansOf(
      () =>
        new Promise((resolve, reject) => {
          client.query('select 1 as one from workspaces', (error: Error | undefined, result: pg.QueryResult) =>
            error ? reject(error) : resolve(result.rows),
          );
        }),
    );
    expect(called.map((span) => span.name)).toContain('SELECT workspaces');
    exporter.reset();
    await client.query('select 1 from workspaces');
    expect(exporter.getFinishedSpans()).toEqual([]);
    await client.end();
  });
});
