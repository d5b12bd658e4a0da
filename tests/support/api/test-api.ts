import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { afterAll, beforeAll } from '@jest/globals';
import type { ApiDeps } from '../../../api/api-deps.ts';
import { startHttpServer, type HttpServer } from '../../../api/start-http-server.ts';
import { loadConfig } from '../../../platform/config.ts';
import type { Database } from '../../../platform/database.ts';
import { createLogger } from '../../../platform/log.ts';
import { startTelemetry } from '../../../platform/telemetry/start-telemetry.ts';
import { createApiDeps } from '../../../platform/wiring-api.ts';
import { testDatabase } from '../servers/test-database.ts';
import { testServers } from '../servers/test-servers.ts';
import { testTemporal, type TestTemporal } from '../servers/test-temporal.ts';
import { createTenant, type Tenant } from './create-tenant.ts';

/** One answer of the API. */
export type Answer = {
  status: number;
  headers: Headers;
  text: string;
  /** The parsed body; a property of a body that is not JSON is undefined. */
  json: any; // oxlint-disable-line typescript/no-explicit-any -- tests assert on whatever came
};

/** What a test sends besides method and path. */
export type Sent = {
  body?: unknown;
  raw?: string | Uint8Array<ArrayBuffer> | ReadableStream;
  key?: string | null;
  headers?: Record<string, string>;
};

/** The product's own API in this process, over real servers, with one tenant; its fields are set before the tests run. */
export type TestApi = {
  url: string;
  tenant: Tenant;
  deps: Awaited<ReturnType<typeof createApiDeps>>;
  server: HttpServer;
  temporal: TestTemporal;
  /** The address of the database, for statements of the test's own. */
  databaseUrl: string;
  database: Database;
  /** PERDURE_SECRET_KEY, with which the API seals. */
  secretKey: string;
  /** Sends a request with the tenant's admin key unless another is given (null for none). */
  call(method: string, path: string, sent?: Sent): Promise<Answer>;
};

/** Call at the top of a test file: serves the API before its tests and stops it after them. */
export function testApi(change: (deps: ApiDeps) => Partial<ApiDeps> = () => ({})): TestApi {
  const { url: databaseUrl } = testDatabase();
  const temporal = testTemporal();
  const api = { temporal, databaseUrl, secretKey: randomBytes(32).toString('base64') } as TestApi;
  beforeAll(async () => {
    const { modelDirectory } = testServers();
    Object.assign(process.env, { TEMPORAL_ADDRESS: temporal.address, TEMPORAL_NAMESPACE: temporal.namespace });
    const config = loadConfig({
      DATABASE_URL: databaseUrl,
      TEMPORAL_ADDRESS: temporal.address,
      PERDURE_HOME: path.resolve(modelDirectory, '../..'),
      PERDURE_SECRET_KEY: api.secretKey,
      PERDURE_DATABASE_POOL: '8',
    });
    const logger = createLogger({ name: 'api', level: 'silent' });
    const telemetry = await startTelemetry({ serviceName: 'perdure-api', config, logger });
    api.deps = await createApiDeps(config, telemetry, logger);
    api.database = api.deps.database;
    api.tenant = await createTenant(api.database);
    api.server = await startHttpServer({ ...api.deps, ...change(api.deps) }, { host: '127.0.0.1', port: 0 });
    api.url = `http://127.0.0.1:${api.server.port}`;
  });
  afterAll(async () => {
    await api.server?.stop();
    await api.deps?.close();
  });
  api.call = (method, address, sent = {}) => send(api, method, address, sent);
  return api;
}

async function send(api: TestApi, method: string, address: string, sent: Sent): Promise<Answer> {
  const key = sent.key === undefined ? api.tenant.key : sent.key;
  const body = sent.raw ?? (sent.body === undefined ? null : JSON.stringify(sent.body));
  const response = await fetch(`${api.url}${address}`, {
    method,
    body,
    headers: {
      ...(key === null ? {} : { authorization: `Bearer ${key}` }),
      ...(sent.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...sent.headers,
    },
  });
  const text = await response.text();
  const isJson = /json/.test(response.headers.get('content-type') ?? '');
  return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : {} };
}
