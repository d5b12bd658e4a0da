import type { JsonSchema } from '../../tool.ts';
import { isNode, lookUp, type Node, type OpenApiDocument } from './read-document.ts';

// What stands for documents and tools, not for values.
const dropped = new Set([
  'xml',
  'externalDocs',
  'discriminator',
  'example',
  'deprecated',
  'writeOnly',
  'readOnly',
  '$id',
]);
const ofOne = new Set([
  'items',
  'additionalProperties',
  'not',
  'if',
  'then',
  'else',
  'contains',
  'propertyNames',
  'unevaluatedItems',
  'unevaluatedProperties',
]);
const ofMany = new Set(['allOf', 'anyOf', 'oneOf', 'prefixItems']);
const ofNamed = new Set(['properties', 'patternProperties', 'dependentSchemas', '$defs']);
const known = new Set([
  ...[
    'type',
    'enum',
    'const',
    'default',
    'title',
    'description',
    'examples',
    'format',
    'pattern',
    'required',
    '$comment',
  ],
  ...['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf', 'minLength', 'maxLength'],
  ...['minItems', 'maxItems', 'uniqueItems', 'minContains', 'maxContains', 'minProperties', 'maxProperties'],
  ...['dependentRequired', 'contentEncoding', 'contentMediaType'],
]);
const mostSchemas = 5_000;

/** Writes schemas of a document anew as JSON Schema that stands by itself; definitions are gathered by name. */
export class SchemaConverter {
  readonly definitions: Record<string, JsonSchema> = {};
  readonly warnings: string[] = [];
  readonly #document: OpenApiDocument;
  readonly #names = new Map<string, string>();
  #count = 0;

  constructor(document: OpenApiDocument) {
    this.#document = document;
  }

  /** @throws Error in words when a reference leads nowhere or out of the document, or when there is no end of schemas. */
  convert(schema: unknown): JsonSchema {
    if (schema === true || schema === undefined) return {};
    if (schema === false) return { not: {} };
    if (!isNode(schema)) throw new Error('a schema is no object');
    if ((this.#count += 1) > mostSchemas) throw new Error(`it takes more than ${mostSchemas} schemas`);
    if (typeof schema.$ref === 'string') {
      const reference = { $ref: `#/$defs/${this.#define(schema.$ref)}` };
      const description = typeof schema.description === 'string' ? { description: schema.description } : {};
      return { ...reference, ...description };
    }
    const written: Record<string, unknown> = {};
    for (const [keyword, value] of Object.entries(schema)) this.#write(written, keyword, value);
    if (isNode(schema.properties)) hideReadOnly(written, schema.properties);
    if (this.#document.isVersion30) modernise(written, schema);
    return written;
  }

  #write(written: Record<string, unknown>, keyword: string, value: unknown): void {
    if (dropped.has(keyword)) return;
    if (ofOne.has(keyword)) written[keyword] = typeof value === 'boolean' ? value : this.convert(value);
    else if (ofMany.has(keyword) && Array.isArray(value)) written[keyword] = value.map((each) => this.convert(each));
    else if (ofNamed.has(keyword) && isNode(value))
      written[keyword] = Object.fromEntries(Object.entries(value).map(([name, each]) => [name, this.convert(each)]));
    else if (keyword === 'pattern' && !isPattern(value)) this.warnings.push('a pattern is no regular expression here');
    else if (known.has(keyword)) written[keyword] = value;
  }

  /** A schema that refers to itself ends here: its name is known before it is written. */
  #define(reference: string): string {
    const former = this.#names.get(reference);
    if (former !== undefined) return former;
    const target = lookUp(this.#document.root, reference);
    const base = reference
      .split('/')
      .at(-1)!
      .replaceAll(/[^\w.-]/g, '_')
      .slice(0, 100);
    let name = base;
    for (let number = 2; Object.hasOwn(this.definitions, name); number += 1) name = `${base}_${number}`;
    this.#names.set(reference, name);
    this.definitions[name] = {};
    this.definitions[name] = this.convert(target);
    return name;
  }
}

/** What only answers carry is no argument. */
function hideReadOnly(written: Record<string, unknown>, properties: Node): void {
  const hidden = Object.keys(properties).filter((name) => {
    const property = properties[name];
    return isNode(property) && property.readOnly === true;
  });
  if (hidden.length === 0) return;
  const shown = Object.entries(written.properties as Node).filter(([name]) => !hidden.includes(name));
  written.properties = Object.fromEntries(shown);
  if (Array.isArray(written.required))
    written.required = written.required.filter((name: unknown) => !hidden.includes(String(name)));
}

/** OpenAPI 3.0 says in words of its own what JSON Schema says by types and numbers (OpenAPI 3.0.3, 4.7.24). */
function modernise(written: Record<string, unknown>, schema: Node): void {
  for (const [limit, exclusive] of [
    ['minimum', 'exclusiveMinimum'],
    ['maximum', 'exclusiveMaximum'],
  ] as const) {
    if (typeof schema[exclusive] !== 'boolean') continue;
    delete written[exclusive];
    if (!schema[exclusive] || written[limit] === undefined) continue;
    written[exclusive] = written[limit];
    delete written[limit];
  }
  if (schema.nullable !== true || typeof written.type !== 'string') return;
  written.type = [written.type, 'null'];
  if (Array.isArray(written.enum) && !written.enum.includes(null))
    written.enum = [...(written.enum as unknown[]), null];
}

function isPattern(value: unknown): boolean {
  try {
    return typeof value === 'string' && new RegExp(value, 'u').unicode;
  } catch {
    return false;
  }
}
