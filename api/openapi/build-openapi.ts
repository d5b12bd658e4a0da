import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { errorTable } from '../../contracts/errors.ts';
import type { ResponseSpec, Route } from '../framework/route.ts';
import { metricsRoutes, probeRoutes } from '../health/routes.ts';
import type { ProbeRoute } from '../health/routes.ts';
import { namedAnswers, namedBodies } from './named-schemas.ts';

type Json = Record<string, unknown>;

/** Makes the OpenAPI 3.1 document of the routes from the very schemas by which requests and answers are checked. */
export function buildOpenApi(routes: readonly Route[]): Json {
  const { version } = z
    .object({ version: z.string() })
    .parse(JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')));
  const paths: Record<string, Json> = {};
  for (const route of [...routes, ...probeRoutes].toSorted((a, b) => order(a) - order(b)))
    (paths[route.path] ??= {})[route.method.toLowerCase()] = describeRoute(route);
  return {
    openapi: '3.1.0',
    info: { title: 'Perdure', version, description, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    servers: [{ url: '/' }],
    security: [{ bearer: [] }, { header: [] }, { basic: [] }],
    tags: [...new Set(Object.values(paths).flatMap(tagsOf))].map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'An API key, `pk_…`' },
        header: { type: 'apiKey', in: 'header', name: 'x-api-key', description: 'An API key, `pk_…`' },
        basic: { type: 'http', scheme: 'basic', description: 'Any name, and an API key as the password' },
      },
      responses: {
        Problem: {
          description: 'What went wrong, by its `code`',
          headers: { 'x-request-id': { schema: { type: 'string' } } },
          content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
        },
      },
      schemas: { ...convertNamed(namedAnswers, 'output'), ...convertNamed(namedBodies, 'input') },
    },
  };
}

const description = `Every answer carries \`x-request-id\`. A failed request is answered by \`application/problem+json\`
with one of these codes: ${Object.keys(errorTable).join(', ')}. A POST that creates something takes \`Idempotency-Key\`:
the same key with the same request gives the stored answer, for 24 hours. The header \`x-perdure-user\` names the end user
that a request acts for.`;

// Probes last; the rest in the order of the route list.
function order(route: Route | ProbeRoute): number {
  return 'probe' in route || metricsRoutes.includes(route) ? 1 : 0;
}

function tagsOf(path: Json): string[] {
  return Object.values(path).flatMap((operation) => (operation as { tags: string[] }).tags);
}

function describeRoute(route: Route | ProbeRoute): Json {
  const open = 'probe' in route;
  const { summary, tag } = route;
  const operation: Json = { operationId: operationId(route), tags: [tag], summary };
  if (open) return { ...operation, security: [], responses: describeAnswers(route.responses) };
  const problems = problemStatuses(route).map((status) => [status, { $ref: '#/components/responses/Problem' }]);
  return {
    ...operation,
    description: [route.description, `Needs the scope \`${route.scope}\`.`].filter(Boolean).join('\n\n'),
    parameters: describeParameters(route),
    ...(route.body ? { requestBody: describeBody(route) } : {}),
    responses: { ...describeAnswers(route.responses), ...Object.fromEntries(problems) },
  };
}

function operationId(route: Pick<Route, 'method' | 'path'>): string {
  const words = route.path.split(/[^A-Za-z]+/).filter(Boolean);
  return [route.method.toLowerCase(), ...words.map((word) => word[0]!.toUpperCase() + word.slice(1))].join('');
}

function problemStatuses(route: Route): number[] {
  return [
    ...(route.body || route.query ? [400] : []),
    401,
    403,
    ...(route.params ? [404] : []),
    ...(route.method === 'GET' ? [] : [409]),
    ...(route.body ? [413, 415, 422] : []),
    503,
    ...(route.problems ?? []),
  ].filter((status) => !(status in route.responses));
}

function describeParameters(route: Route): Json[] {
  const query = route.upload ? route.upload.query : route.query;
  const headers = [
    ...(route.idempotent ? [header('Idempotency-Key', 'Makes a repeated request harmless')] : []),
    ...('stream' in route ? [header('Last-Event-ID', 'Resumes behind this event')] : []),
    header('x-perdure-user', 'External id of the end user that the request acts for'),
  ];
  return [...fieldsOf(route.params, 'path'), ...fieldsOf(query, 'query', route.upload !== undefined), ...headers];
}

function header(name: string, text: string): Json {
  return { name, in: 'header', required: false, description: text, schema: { type: 'string', maxLength: 255 } };
}

function fieldsOf(schema: z.ZodType | undefined, place: 'path' | 'query', uploadOnly = false): Json[] {
  if (!schema) return [];
  const { properties = {}, required = [] } = convert(schema, 'input') as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description: text, ...property }]) => ({
    name,
    in: place,
    // A parameter with a default may be left out, whatever the schema of the parsed value says.
    required: place === 'path' || (required.includes(name) && !('default' in property)),
    ...(text || uploadOnly ? { description: [text, uploadOnly && '(of a raw upload)'].filter(Boolean).join(' ') } : {}),
    schema: property,
  }));
}

function describeBody(route: Route): Json {
  const json = {
    schema: refTo(route.body!, namedBodies) ?? convert(route.body!, 'input'),
    ...(route.example === undefined ? {} : { example: route.example }),
  };
  const raw = (route.upload?.mediaTypes ?? []).map((type) => [type, { schema: { type: 'string' } }]);
  const form = route.form ? { 'multipart/form-data': { schema: describeForm(route.form.fields) } } : {};
  return { required: !route.bodyOptional, content: { 'application/json': json, ...form, ...Object.fromEntries(raw) } };
}

/** Fields as strings and any number of files, by whatever names. */
function describeForm(fields: z.ZodType): Json {
  const schema = convert(fields, 'input') as { properties?: Record<string, Json> };
  const file = { type: 'array', items: { type: 'string', format: 'binary' }, description: 'One document each' };
  return { ...schema, properties: { ...schema.properties, file } };
}

function describeAnswers(responses: Record<number, ResponseSpec>): Json {
  return Object.fromEntries(
    Object.entries(responses).map(([status, spec]) => {
      if (spec === null) return [status, { description: 'Done; no body' }];
      if ('json' in spec) {
        const json = { schema: refTo(spec.json, namedAnswers) ?? convert(spec.json, 'output') };
        const text = { schema: { type: 'string' } };
        return [
          status,
          { description: 'The answer', content: { 'application/json': json, [typeAlone(spec.or)]: text } },
        ];
      }
      if (!(spec instanceof z.ZodType))
        return [
          status,
          {
            description: spec.description,
            content: { [typeAlone(spec.mediaType)]: { schema: { type: 'string' }, ...itemOf(spec) } },
          },
        ];
      const schema = refTo(spec, namedAnswers) ?? convert(spec, 'output');
      return [status, { description: answerName(Number(status)), content: { 'application/json': { schema } } }];
    }),
  );
}

/** OpenAPI has `itemSchema` for streams from version 3.2 on. */
function itemOf({ item }: { item?: z.ZodType }): Json {
  return item ? { 'x-item-schema': refTo(item, namedAnswers) ?? convert(item, 'output') } : {};
}

const typeAlone = (mediaType: string): string => mediaType.split(';')[0]!;

function answerName(status: number): string {
  return (
    { 200: 'The answer', 201: 'Created', 202: 'Accepted: committed, and served from now on' }[status] ?? 'The state'
  );
}

function refTo(schema: z.ZodType, named: Readonly<Record<string, z.ZodType>>): Json | null {
  const name = Object.keys(named).find((key) => named[key] === schema);
  return name === undefined ? null : { $ref: `#/components/schemas/${name}` };
}

function convertNamed(named: Readonly<Record<string, z.ZodType>>, io: 'input' | 'output'): Json {
  return convertAll(named, io);
}

/** One schema in place, with references to the named ones inside. */
function convert(schema: z.ZodType, io: 'input' | 'output'): Json {
  return convertAll({ ...(io === 'output' ? namedAnswers : {}), Here: schema }, io)['Here'] as Json;
}

function convertAll(schemas: Readonly<Record<string, z.ZodType>>, io: 'input' | 'output'): Json {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(schemas)) registry.add(schema, { id });
  const converted = z.toJSONSchema(registry, {
    io,
    uri: (id) => `#/components/schemas/${id}`,
    override: ({ jsonSchema }) => {
      // The format says it, and zod's patterns for dates and ids are pages long.
      if (jsonSchema.format !== undefined) delete jsonSchema.pattern;
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
    },
  }).schemas as Record<string, Json>;
  return Object.fromEntries(
    Object.entries(converted).map(([id, { $schema: _schema, $id: _id, ...schema }]) => [id, schema]),
  );
}
