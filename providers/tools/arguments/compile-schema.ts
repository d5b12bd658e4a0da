import { Ajv, type ErrorObject, type Options, type ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { JsonSchema } from '../../tool.ts';
import { runWithin } from './time-box.ts';

/** A schema that was compiled; the errors of a value that does not fit, null for one that does. */
export type CompiledSchema = (value: unknown) => ErrorObject[] | null;

/** Largest schema, in characters of JSON. */
export const largestSchema = 200_000;

const compileMs = 5_000;
const kept = 200;
const compiled = new Map<string, CompiledSchema>();

const options: Options = {
  // A misspelt keyword would silently allow everything.
  strictSchema: true,
  strictTypes: false,
  strictTuples: false,
  strictRequired: false,
  // An argument may be named like what every object has, such as `constructor`.
  ownProperties: true,
  allErrors: true,
  // Else each use of a definition would be written out again, and the code of a small schema could fill the memory.
  inlineRefs: false,
  logger: false,
};

const annotations = ['example', 'xml', 'externalDocs', 'discriminator'];

/**
 * Compiles a schema: draft 2020-12, or draft 7 where `$schema` says so. Compiled ones are kept for the next call.
 * @throws Error that says in plain words what is wrong with the schema.
 */
export function compileSchema(schema: JsonSchema): CompiledSchema {
  const text = JSON.stringify(schema);
  const known = compiled.get(text);
  if (known) {
    // The order of the map is the order of use: the first is the one that has waited longest.
    compiled.delete(text);
    compiled.set(text, known);
    return known;
  }
  const validate = compile(schema, text);
  const check: CompiledSchema = (value) => (validate(value) ? null : [...(validate.errors ?? [])]);
  compiled.set(text, check);
  if (compiled.size > kept) compiled.delete(compiled.keys().next().value!);
  return check;
}

function compile(schema: JsonSchema, text: string): ValidateFunction {
  if (text.length > largestSchema)
    throw new Error(`the schema has ${text.length} characters; ${largestSchema} are the most`);
  if (schema.type !== 'object') throw new Error('the schema must be that of an object: {"type": "object", …}');
  const { $schema: dialect, $id: _, ...rest } = schema;
  const isDraft7 = typeof dialect === 'string' && /draft-0[67]/.test(dialect);
  if (typeof dialect === 'string' && !isDraft7 && !dialect.includes('2020-12'))
    throw new Error(`"$schema" names ${dialect.slice(0, 100)}; draft 2020-12 and draft 7 are read`);
  const ajv = isDraft7 ? new Ajv(options) : new Ajv2020(options);
  addFormats.default(ajv);
  ajv.addVocabulary(annotations);
  for (const format of formatsIn(rest)) if (!Object.hasOwn(ajv.formats, format)) ajv.addFormat(format, true);
  return runWithin(compileMs, () => ajv.compile(closed(rest, isDraft7)));
}

/** Arguments that the schema does not name have no place to go: a call with one is a mistake, unless the schema says so. */
function closed(schema: JsonSchema, isDraft7: boolean): JsonSchema {
  if ('additionalProperties' in schema || 'unevaluatedProperties' in schema) return schema;
  if (!isDraft7) return { ...schema, unevaluatedProperties: false };
  const isPlain = !['$ref', 'allOf', 'anyOf', 'oneOf', 'if', 'patternProperties', 'dependencies'].some(
    (keyword) => keyword in schema,
  );
  return isPlain ? { ...schema, additionalProperties: false } : schema;
}

/** Formats are an open list (draft 2020-12, 7.2.3): those that nobody here knows say nothing. */
function formatsIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const own = !Array.isArray(value) && 'format' in value && typeof value.format === 'string' ? [value.format] : [];
  return [...own, ...Object.values(value).flatMap(formatsIn)];
}
