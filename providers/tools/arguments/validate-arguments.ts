import type { ErrorObject } from 'ajv';
import type { JsonSchema } from '../../tool.ts';
import { compileSchema } from './compile-schema.ts';
import { runWithin, TimeBoxError } from './time-box.ts';

/** The arguments of a call, or in words for the model why they cannot be used. */
export type ValidatedArguments = { arguments: Record<string, unknown> } | { reason: string };

const largestArguments = 1_000_000;
const deepest = 50;
const validateMs = 500;
const mistakesShown = 8;

/**
 * Reads the arguments that a model wrote and holds them against the schema of the tool. Nothing is converted and no
 * default filled in: what a person approves is what the model wrote. Time and size are bounded. An empty text is no
 * arguments, which some models write so.
 */
export function validateArguments(parameters: JsonSchema, jsonText: string): ValidatedArguments {
  if (jsonText.length > largestArguments)
    return invalid(`they have ${jsonText.length} characters; ${largestArguments} are the most`);
  let value: unknown;
  try {
    value = jsonText.trim() === '' ? {} : JSON.parse(jsonText);
  } catch (error) {
    return invalid(`they are no valid JSON: ${(error as Error).message.slice(0, 200)}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return invalid('they must be a JSON object');
  if (!isStorable(value, 0))
    return invalid(`they hold the character NUL, half of a character, or are nested deeper than ${deepest} levels`);
  // Schemas are checked when they are stored; a row that was written past that must not stop the turn.
  const mistake = findSchemaMistake(parameters);
  if (mistake !== null) return { reason: `The tool cannot be called: ${mistake}.` };
  try {
    const check = compileSchema(parameters);
    const errors = runWithin(validateMs, () => check(value));
    return errors === null ? { arguments: value as Record<string, unknown> } : invalid(describeMistakes(errors));
  } catch (error) {
    if (error instanceof TimeBoxError) return invalid('checking them against the schema took too long; write less');
    throw error;
  }
}

/** What is wrong with the schema of a tool's arguments, in words; null when it can be used. */
export function findSchemaMistake(parameters: JsonSchema): string | null {
  try {
    compileSchema(parameters);
    return null;
  } catch (error) {
    if (error instanceof TimeBoxError) return 'the schema is so complicated that it cannot be compiled in time';
    const { name, message } = error as Error & { missingRef?: string };
    if (name === 'MissingRefError' || message.startsWith("can't resolve reference"))
      return `the schema refers to ${(error as { missingRef?: string }).missingRef ?? 'what it does not hold'}: references must stay inside of it, as "#/$defs/NAME"`;
    return message.slice(0, 500);
  }
}

function invalid(why: string): ValidatedArguments {
  return { reason: `The arguments are not valid: ${why}.` };
}

function describeMistakes(errors: readonly ErrorObject[]): string {
  const told = new Set(errors.map(describeMistake));
  const shown = [...told].slice(0, mistakesShown);
  if (told.size > shown.length) shown.push(`and ${told.size - shown.length} more`);
  return shown.join('; ');
}

function describeMistake({ instancePath, keyword, params, message }: ErrorObject): string {
  const place = instancePath === '' ? '' : `${instancePath.slice(1).replaceAll('/', '.').slice(0, 200)} `;
  const extra: unknown = params.additionalProperty ?? params.unevaluatedProperty;
  if (typeof extra === 'string') return `${place}there is no argument "${extra.slice(0, 100)}"`;
  if (keyword === 'required') return `${place}"${String(params.missingProperty)}" is missing`;
  if (keyword === 'enum') return `${place}must be one of ${JSON.stringify(params.allowedValues).slice(0, 300)}`;
  if (keyword === 'const') return `${place}must be ${JSON.stringify(params.allowedValue).slice(0, 200)}`;
  return `${place}${message ?? 'is not valid'}`.slice(0, 400);
}

/** PostgreSQL keeps neither NUL nor lone surrogates in jsonb, and what nests without end makes every reader recurse. */
function isStorable(value: unknown, depth: number): boolean {
  if (depth > deepest) return false;
  if (typeof value === 'string') return value.isWellFormed() && !value.includes('\0');
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value).every(([key, inner]) => isStorable(key, depth) && isStorable(inner, depth + 1));
}
