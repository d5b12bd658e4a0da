import type { ApiToolConfiguration, ArgumentPlace } from '../../../contracts/tool-configuration.ts';
import type { JsonSchema } from '../../tool.ts';
import type { SchemaConverter } from './convert-schema.ts';
import { isNode, resolve, type Node, type OpenApiDocument } from './read-document.ts';

/** The arguments of an operation: their schemas, which of them are needed, and where each goes. */
export interface PlacedArguments {
  readonly properties: Record<string, JsonSchema>;
  readonly required: string[];
  readonly places: Record<string, ArgumentPlace>;
  readonly body: ApiToolConfiguration['body'];
  readonly warnings: string[];
}

// OpenAPI has these three ignored where a parameter names them; the rest are set by the request itself.
const ignoredHeaders =
  /^(?:accept|content-type|authorization|host|connection|content-length|transfer-encoding|te|upgrade|trailer|expect|idempotency-key|proxy-.*|cookie)$/i;

const styles: Record<string, 'comma' | 'space' | 'pipe' | 'deep_object'> = {
  form: 'comma',
  spaceDelimited: 'space',
  pipeDelimited: 'pipe',
  deepObject: 'deep_object',
};

/** @throws Error in words when the operation needs what a tool cannot send. */
export function placeArguments(
  document: OpenApiDocument,
  converter: SchemaConverter,
  { parameters, requestBody }: { parameters: readonly unknown[]; requestBody: unknown },
): PlacedArguments {
  const placed: PlacedArguments & { body: 'json' | 'form' } = {
    properties: {},
    required: [],
    places: {},
    body: 'json',
    warnings: [],
  };
  // A parameter of the operation stands in for one of the path with the same name and place.
  const byPlace = new Map<string, Node>();
  for (const given of parameters) {
    const parameter = resolve(document, given);
    byPlace.set(`${String(parameter.in)} ${String(parameter.name)}`, parameter);
  }
  for (const parameter of byPlace.values()) placeParameter(placed, converter, parameter);
  if (requestBody !== undefined) placed.body = placeBody(document, placed, converter, resolve(document, requestBody));
  return placed;
}

function placeParameter(placed: PlacedArguments, converter: SchemaConverter, parameter: Node): void {
  const { name, in: place } = parameter;
  if (typeof name !== 'string' || name === '') throw new Error('one of its parameters has no name');
  const isRequired = parameter.required === true || place === 'path';
  if (place === 'header' && ignoredHeaders.test(name)) return;
  if (place !== 'path' && place !== 'query' && place !== 'header') {
    if (isRequired) throw new Error(`it needs "${name}" in ${String(place)}, which a tool cannot send`);
    placed.warnings.push(`"${name}" in ${String(place)} is left out`);
    return;
  }
  const content = isNode(parameter.content) ? Object.values(parameter.content).find(isNode) : undefined;
  const schema = describe(converter.convert(content ? content.schema : parameter.schema), parameter);
  const argument = freeName(placed, name, place);
  placed.properties[argument] = schema;
  if (isRequired) placed.required.push(argument);
  if (place !== 'query') placed.places[argument] = { in: place, ...renamed(argument, name) };
  else {
    const style = typeof parameter.style === 'string' ? parameter.style : 'form';
    const explodes = parameter.explode === undefined ? style === 'form' : parameter.explode === true;
    const written = content ? 'json' : style === 'form' && explodes ? 'repeat' : (styles[style] ?? 'repeat');
    placed.places[argument] = { in: 'query', ...renamed(argument, name), style: written };
  }
}

/** Fields of an object become arguments of their own, unless they would not be what the service reads. */
function placeBody(
  document: OpenApiDocument,
  placed: PlacedArguments,
  converter: SchemaConverter,
  requestBody: Node,
): 'json' | 'form' {
  const content = isNode(requestBody.content) ? requestBody.content : {};
  const types = Object.keys(content);
  const json =
    types.find((type) => /^application\/(?:[\w.+-]*\+)?json\b/i.test(type)) ?? types.find((type) => type === '*/*');
  const form = types.find((type) => type.toLowerCase().startsWith('application/x-www-form-urlencoded'));
  const type = json ?? form;
  if (type === undefined) {
    if (requestBody.required === true)
      throw new Error(
        `its body is ${types.join(', ').slice(0, 200) || 'of no stated type'}; a tool sends JSON or a form`,
      );
    placed.warnings.push('its optional body is left out');
    return 'json';
  }
  const media = content[type];
  const schema: unknown = isNode(media) ? media.schema : undefined;
  const object = isNode(schema) ? resolve(document, schema) : {};
  const isRequired = requestBody.required === true;
  const fields = isNode(object.properties) && isPlainObject(object) ? converter.convert(object) : null;
  const names = fields === null ? [] : Object.keys(fields.properties as Node);
  const isFlat = names.length > 0 && names.every((name) => !Object.hasOwn(placed.properties, name));
  if (fields === null || !isFlat || (!isRequired && listed(fields.required).length > 0)) {
    const argument = freeName(placed, 'body', 'body');
    placed.properties[argument] = describe(converter.convert(schema), requestBody);
    placed.places[argument] = { in: 'body', whole: true };
    if (isRequired) placed.required.push(argument);
  } else {
    for (const [name, property] of Object.entries(fields.properties as Record<string, JsonSchema>)) {
      const argument = freeName(placed, name, 'body');
      placed.properties[argument] = property;
      placed.places[argument] = { in: 'body', ...renamed(argument, name), whole: false };
      if (listed(fields.required).includes(name)) placed.required.push(argument);
    }
  }
  return json === undefined ? 'form' : 'json';
}

/** Whether the object is its properties and nothing else: no alternatives, no free fields. */
function isPlainObject(schema: Node): boolean {
  const more = [
    'allOf',
    'anyOf',
    'oneOf',
    'not',
    'if',
    'patternProperties',
    'minProperties',
    'maxProperties',
    'nullable',
  ];
  const isObject = schema.type === undefined || schema.type === 'object';
  return isObject && !isNode(schema.additionalProperties) && !more.some((keyword) => keyword in schema);
}

/** Providers take names of letters, digits, `_`, `.` and `-`, up to 64. */
function freeName(placed: PlacedArguments, name: string, place: string): string {
  const clean = name.replaceAll(/[^a-zA-Z0-9_.-]+/g, '_').slice(0, 64) || place;
  if (!Object.hasOwn(placed.properties, clean)) return clean;
  const base = `${clean.slice(0, 50)}_${place}`;
  let free = base;
  for (let number = 2; Object.hasOwn(placed.properties, free); number += 1) free = `${base}_${number}`;
  return free;
}

function renamed(argument: string, name: string): { name?: string } {
  return argument === name ? {} : { name };
}

function describe(schema: JsonSchema, { description }: Node): JsonSchema {
  return typeof description === 'string' && schema.description === undefined ? { ...schema, description } : schema;
}

function listed(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
