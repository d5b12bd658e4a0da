import { describe, expect, test } from '@jest/globals';
import { stringify } from 'yaml';
import { validateArguments } from '../../../providers/tools/arguments/validate-arguments.ts';
import { findToolMistakes } from '../../../providers/tools/find-tool-mistakes.ts';
import { readOpenApiDocument } from '../../../providers/tools/openapi/read-document.ts';
import { readOperations } from '../../../providers/tools/openapi/read-operations.ts';
import type { OperationTool } from '../../../providers/tool-workshop.ts';

const shop = {
  openapi: '3.0.3',
  info: { title: 'Shop', version: '1' },
  servers: [{ url: 'https://{region}.example.com/v1/', variables: { region: { default: 'eu' } } }],
  security: [{ key: [] }],
  paths: {
    '/orders/{id}': {
      parameters: [{ $ref: '#/components/parameters/id' }],
      get: {
        operationId: 'getOrder',
        summary: 'One order',
        description: 'With its lines.',
        parameters: [
          { name: 'fields', in: 'query', style: 'pipeDelimited', schema: { type: 'array', items: { type: 'string' } } },
          { name: 'X-Trace', in: 'header', schema: { type: 'string' } },
          { name: 'Authorization', in: 'header', schema: { type: 'string' } },
          { name: 'session', in: 'cookie', schema: { type: 'string' } },
        ],
      },
      patch: {
        operationId: 'changeOrder',
        requestBody: {
          required: true,
          content: { 'application/merge-patch+json': { schema: { $ref: '#/components/schemas/Order' } } },
        },
      },
      delete: {},
    },
    '/orders': {
      post: {
        operationId: 'addOrders',
        requestBody: {
          required: true,
          description: 'Several at once',
          content: { 'application/json': { schema: { type: 'array', items: { $ref: '#/components/schemas/Order' } } } },
        },
      },
    },
    '/upload': {
      post: {
        operationId: 'upload',
        requestBody: { required: true, content: { 'multipart/form-data': { schema: { type: 'object' } } } },
      },
    },
    '/remote': { get: { operationId: 'remote', parameters: [{ $ref: 'other.yaml#/p' }] } },
    '/circle': { get: { operationId: 'circle', parameters: [{ $ref: '#/components/parameters/a' }] } },
  },
  components: {
    parameters: {
      id: {
        name: 'id',
        in: 'path',
        required: true,
        description: 'Its number',
        schema: { type: 'integer', minimum: 0, exclusiveMinimum: true },
      },
      a: { $ref: '#/components/parameters/b' },
      b: { $ref: '#/components/parameters/a' },
    },
    schemas: {
      Order: {
        type: 'object',
        required: ['id', 'sku'],
        properties: {
          id: { type: 'integer', readOnly: true },
          sku: { type: 'string', example: 'a-1', 'x-note': 'ours' },
          note: { type: 'string', nullable: true, enum: ['a', 'b'] },
          parent: { $ref: '#/components/schemas/Order' },
        },
      },
    },
  },
};

const read = (document: unknown, options: { wanted?: string[]; server?: string; documentUrl?: string } = {}) =>
  readOperations(readOpenApiDocument(document as string), {
    wanted: options.wanted ?? null,
    server: options.server ?? null,
    documentUrl: options.documentUrl ?? null,
  });
const byName = (tools: readonly OperationTool[]) => new Map(tools.map((tool) => [tool.name, tool]));
const reasonOf = (tool: OperationTool, args: unknown) => {
  const result = validateArguments(tool.parameters, JSON.stringify(args));
  return 'reason' in result ? result.reason : null;
};

describe('an OpenAPI 3.0 document', () => {
  const { tools, skipped, title } = read(shop);
  const named = byName(tools);

  test('gives a tool for each operation that can be called, and a reason for each that cannot', () => {
    expect(title).toBe('Shop');
    expect(tools.map(({ operation, name, effect }) => `${operation} ${name} ${effect}`)).toEqual([
      'GET /orders/{id} getOrder read',
      'PATCH /orders/{id} changeOrder write',
      'DELETE /orders/{id} delete /orders/{id} write',
      'POST /orders addOrders write',
    ]);
    expect(skipped).toEqual([
      { operation: 'POST /upload', reason: expect.stringContaining('multipart/form-data') },
      { operation: 'GET /remote', reason: expect.stringContaining('not in the document') },
      { operation: 'GET /circle', reason: expect.stringContaining('circle') },
    ]);
    for (const tool of tools)
      expect(
        findToolMistakes({
          type: 'api',
          ...tool,
          configuration: { ...tool.configuration },
          approval: { mode: 'never' },
          credentials: null,
        }),
      ).toEqual([]);
  });

  test('places parameters and says what was left out', () => {
    const tool = named.get('getOrder')!;
    expect(tool.description).toBe('One order\nWith its lines.');
    expect(tool.configuration).toEqual({
      method: 'GET',
      url: 'https://eu.example.com/v1/orders/{id}',
      arguments: {
        id: { in: 'path' },
        fields: { in: 'query', style: 'pipe' },
        'X-Trace': { in: 'header' },
      },
      headers: {},
      query: {},
      body: 'json',
    });
    expect(tool.warnings).toEqual(['"session" in cookie is left out', 'it asks for credentials (key)']);
    expect(tool.parameters).toMatchObject({ required: ['id'], properties: { id: { description: 'Its number' } } });
    expect([reasonOf(tool, { id: 1, fields: ['a'] }), reasonOf(tool, { id: 0 })]).toEqual([null, expect.any(String)]);
  });

  test('makes fields of the body arguments, without those that only answers have; a schema may hold itself', () => {
    const tool = named.get('changeOrder')!;
    expect(Object.keys(tool.parameters.properties as object)).toEqual(['id', 'sku', 'note', 'parent']);
    expect(tool.configuration.arguments).toMatchObject({ sku: { in: 'body', whole: false } });
    expect(reasonOf(tool, { id: 1, sku: 'a', note: null, parent: { sku: 'b', parent: { sku: 'c' } } })).toBeNull();
    expect(reasonOf(tool, { id: 1, sku: 'a', parent: { sku: 'b', parent: {} } })).toContain(
      'parent.parent "sku" is missing',
    );
    expect(reasonOf(tool, { id: 1, sku: 'a', note: 'c' })).toContain('note must be one of');
  });

  test('makes one argument of a body that is a list', () => {
    const tool = named.get('addOrders')!;
    expect(tool.configuration.arguments).toEqual({ body: { in: 'body', whole: true } });
    expect(tool.parameters).toMatchObject({
      required: ['body'],
      properties: { body: { description: 'Several at once' } },
    });
    expect(reasonOf(tool, { body: [{ sku: 'a' }] })).toBeNull();
  });
});

describe('an OpenAPI 3.1 document', () => {
  const document = {
    openapi: '3.1.0',
    info: { title: 'Bank', version: '1' },
    servers: [{ url: '/api' }],
    paths: {
      '/transfers': {
        post: {
          operationId: 'transfer',
          parameters: [
            { name: 'note', in: 'query', content: { 'application/json': { schema: { type: ['object', 'null'] } } } },
          ],
          requestBody: {
            content: {
              'application/x-www-form-urlencoded': {
                schema: {
                  type: 'object',
                  properties: { note: { type: 'string' }, amount: { type: 'number', exclusiveMinimum: 0 } },
                  required: ['amount'],
                },
              },
            },
            required: true,
          },
        },
      },
    },
  };

  test('is read from YAML as from JSON, and its server may be relative to its own address', () => {
    const options = { documentUrl: 'https://bank.example.com/docs/openapi.yaml' };
    const fromYaml = read(stringify(document), options);
    expect(fromYaml).toEqual(read(JSON.stringify(document), options));
    const [tool] = fromYaml.tools;
    expect(tool!.configuration.url).toBe('https://bank.example.com/api/transfers');
    expect(read(document).skipped).toEqual([
      { operation: 'POST /transfers', reason: expect.stringContaining('give server') },
    ]);
    expect(read(document, { server: 'http://127.0.0.1:1/x' }).tools[0]!.configuration.url).toBe(
      'http://127.0.0.1:1/x/transfers',
    );
  });

  test('a field of the body that is named like a parameter keeps its own place', () => {
    const [tool] = read(document, { server: 'https://x.example' }).tools;
    expect(tool!.configuration).toMatchObject({
      body: 'form',
      arguments: { note: { in: 'query', style: 'json' }, body: { in: 'body', whole: true } },
    });
    expect(reasonOf(tool!, { note: null, body: { amount: 0 } })).toContain('body.amount must be > 0');
  });
});

describe('what is chosen', () => {
  test('by operationId or by method and path; names that nothing has are told', () => {
    const { tools, unknown, skipped } = read(shop, {
      wanted: ['getOrder', 'DELETE /orders/{id}', 'nothing', 'upload'],
    });
    expect(tools.map(({ operation }) => operation)).toEqual(['GET /orders/{id}', 'DELETE /orders/{id}']);
    expect(unknown).toEqual(['nothing']);
    expect(skipped).toEqual([{ operation: 'POST /upload', reason: expect.any(String) }]);
  });
});

describe('what is no such document', () => {
  test.each([
    ['words', 'is no object'],
    ['a: [1', 'line 1'],
    ['{"swagger":"2.0","paths":{}}', 'convert it to OpenAPI 3'],
    ['{"openapi":"4.0.0","paths":{}}', 'no version of OpenAPI'],
    ['openapi: 3.1.0\ninfo: {}', 'has no paths'],
  ])('%s: %s', (text, why) => {
    expect(() => readOpenApiDocument(text)).toThrow(why);
  });

  test('aliases that stand for gigabytes are refused', () => {
    const levels = Array.from({ length: 12 }, (_, level) =>
      level === 0
        ? 'a0: &a0 [x,x,x,x,x,x,x,x,x]'
        : `a${level}: &a${level} [${Array(9)
            .fill(`*a${level - 1}`)
            .join(',')}]`,
    );
    expect(() => readOpenApiDocument(`${levels.join('\n')}\nopenapi: 3.0.0\npaths: {}`)).toThrow('alias');
  });
});
