import { parse, YAMLParseError } from 'yaml';
import { PerdureError } from '../../../contracts/errors.ts';

/** An object of a document, whose fields nobody has checked yet. */
export type Node = Readonly<Record<string, unknown>>;

/** An OpenAPI document as far as it was checked. `isVersion30`: its schemas are in OpenAPI's own dialect. */
export interface OpenApiDocument {
  readonly root: Node;
  readonly title: string;
  readonly isVersion30: boolean;
}

// A few lines of YAML can stand for gigabytes by aliases of aliases.
const mostAliases = 200;

/**
 * Reads an OpenAPI 3 document, JSON or YAML.
 * @throws PerdureError `bad_request` that says what it is instead, or where it is broken.
 */
export function readOpenApiDocument(given: string | Node): OpenApiDocument {
  const root = typeof given === 'string' ? parseText(given) : given;
  if (!isNode(root)) throw refused('is no object, as an OpenAPI document is');
  if (typeof root.swagger === 'string')
    throw refused(`is Swagger ${root.swagger.slice(0, 10)}; convert it to OpenAPI 3 first`);
  const version = /^3\.(\d+)/.exec(typeof root.openapi === 'string' ? root.openapi : '');
  if (!version) throw refused('says no version of OpenAPI: it must begin with "openapi: 3.0…" or 3.1');
  if (!isNode(root.paths)) throw refused('has no paths');
  const title = isNode(root.info) && typeof root.info.title === 'string' ? root.info.title : '';
  return { root, title: title.slice(0, 500), isVersion30: version[1] === '0' };
}

/**
 * What a reference stands for, through further references.
 * @throws Error in words when it leads out of the document, to nothing, or round in a circle.
 */
export function resolve({ root }: OpenApiDocument, value: unknown): Node {
  let found = value;
  for (let hops = 0; isNode(found) && typeof found.$ref === 'string'; hops += 1) {
    if (hops > 20) throw new Error(`the reference ${found.$ref.slice(0, 200)} leads round in a circle`);
    found = lookUp(root, found.$ref);
  }
  if (!isNode(found)) throw new Error('a reference leads to what is no object');
  return found;
}

/** The value at a reference of the form `#/components/…`. @throws Error in words. */
export function lookUp(root: Node, reference: string): unknown {
  if (!reference.startsWith('#/'))
    throw new Error(`it refers to ${reference.slice(0, 200)}, which is not in the document; bundle it first`);
  let value: unknown = root;
  for (const part of reference.slice(2).split('/')) {
    const key = decodePart(part);
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key))
      throw new Error(`it refers to ${reference.slice(0, 200)}, which the document does not hold`);
    value = (value as Node)[key];
  }
  return value;
}

/** Whether a value is an object with fields. */
export function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function decodePart(part: string): string {
  const plain = part.replaceAll('~1', '/').replaceAll('~0', '~');
  try {
    return decodeURIComponent(plain);
  } catch {
    return plain;
  }
}

function parseText(text: string): unknown {
  try {
    if (/^\s*\{/.test(text)) return JSON.parse(text) as unknown;
  } catch {
    // YAML may begin with a brace as well, and says where it is broken.
  }
  try {
    return parse(text, { maxAliasCount: mostAliases, logLevel: 'error' }) as unknown;
  } catch (error) {
    const place = error instanceof YAMLParseError && error.linePos ? `, line ${error.linePos[0].line}` : '';
    throw refused(`is neither JSON nor YAML${place}: ${(error as Error).message.split('\n')[0]!.slice(0, 300)}`);
  }
}

function refused(why: string): PerdureError {
  const errors = [{ path: 'body.document', message: why }];
  return new PerdureError('bad_request', `body.document: ${why}`, { errors });
}
