import { describe, expect, test } from '@jest/globals';
import { findSchemaMistake, validateArguments } from '../../../providers/tools/arguments/validate-arguments.ts';

const transfer = {
  type: 'object',
  properties: {
    iban: { type: 'string', pattern: '^[A-Z]{2}\\d{2}' },
    amount: { type: 'number', exclusiveMinimum: 0 },
    currency: { enum: ['EUR', 'USD'] },
    when: { type: 'string', format: 'date' },
  },
  required: ['iban', 'amount'],
};

const reasonOf = (schema: Record<string, unknown>, text: string) => {
  const read = validateArguments(schema, text);
  return 'reason' in read ? read.reason : null;
};

describe('validateArguments', () => {
  test('gives what the model wrote, converting nothing and filling nothing in', () => {
    const text = '{"iban":"DE02","amount":10.5,"when":"2026-11-22"}';
    expect(validateArguments(transfer, text)).toEqual({ arguments: JSON.parse(text) as unknown });
    expect(validateArguments({ type: 'object', properties: { a: { default: 1 } } }, '')).toEqual({ arguments: {} });
  });

  test.each([
    ['{"iban":"DE02"}', '"amount" is missing'],
    ['{"iban":"DE02","amount":"10"}', 'amount must be number'],
    ['{"iban":"DE02","amount":0}', 'amount must be > 0'],
    ['{"iban":"x","amount":1}', 'iban must match pattern'],
    ['{"iban":"DE02","amount":1,"currency":"GBP"}', 'currency must be one of ["EUR","USD"]'],
    ['{"iban":"DE02","amount":1,"when":"soon"}', 'when must match format "date"'],
    ['{"iban":"DE02","amount":1,"bcc":"me"}', 'there is no argument "bcc"'],
    ['{"iban":', 'no valid JSON'],
    ['[1]', 'must be a JSON object'],
    ['null', 'must be a JSON object'],
    ['{"iban":"\\u0000","amount":1}', 'NUL'],
    ['{"iban":"\\ud800","amount":1}', 'half of a character'],
    [`{"iban":${'['.repeat(60)}${']'.repeat(60)},"amount":1}`, 'nested deeper'],
  ])('%s is refused: %s', (text, why) => {
    expect(reasonOf(transfer, text)).toContain(why);
  });

  test('a schema that is none stops nothing: the call is refused with the reason', () => {
    expect(reasonOf({}, '{}')).toContain('cannot be called');
  });

  test('names all mistakes, and no endless list of them', () => {
    const reason = reasonOf(
      { type: 'object', properties: { a: { items: { type: 'string' } } } },
      `{"a":[${'1,'.repeat(99)}1],"b":2}`,
    );
    expect(reason).toContain('a.0 must be string');
    expect(reason).toContain('more');
    expect(reason!.length).toBeLessThan(1000);
  });

  test('a regular expression that would run for ages is stopped', () => {
    const schema = { type: 'object', properties: { a: { type: 'string', pattern: '^(a+)+$' } } };
    const started = performance.now();
    expect(reasonOf(schema, JSON.stringify({ a: `${'a'.repeat(50)}!` }))).toContain('too long');
    expect(performance.now() - started).toBeLessThan(5000);
  });

  test('alternatives within alternatives that would be tried for ages are stopped', () => {
    const node = {
      anyOf: [{ items: { $ref: '#/$defs/n' }, contains: { const: 1 } }, { items: { $ref: '#/$defs/n' } }],
    };
    const schema = {
      type: 'object',
      properties: { a: { $ref: '#/$defs/n' } },
      $defs: { n: { ...node, type: 'array' } },
    };
    const text = `{"a":${'['.repeat(40)}${']'.repeat(40)}}`;
    expect(reasonOf(schema, text)).toContain('too long');
  });

  test('draft 7 and draft 2020-12 are each read as they are meant', () => {
    const pair = { items: [{ type: 'string' }, { type: 'number' }], additionalItems: false };
    const seven = { $schema: 'http://json-schema.org/draft-07/schema#', type: 'object', properties: { p: pair } };
    expect(reasonOf(seven, '{"p":["a",1]}')).toBeNull();
    expect(reasonOf(seven, '{"p":["a",1,2]}')).toContain('p must NOT have more than 2 items');
    expect(reasonOf(seven, '{"p":["a",1],"q":1}')).toContain('there is no argument "q"');
    const twenty = { type: 'object', properties: { p: { prefixItems: [{ type: 'string' }], items: false } } };
    expect(reasonOf(twenty, '{"p":["a"]}')).toBeNull();
    expect(reasonOf(twenty, '{"p":["a",2]}')).toContain('p must NOT have more than 1 items');
    const composed = { type: 'object', allOf: [{ properties: { a: {} } }], properties: { b: {} } };
    expect(reasonOf(composed, '{"a":1,"b":2}')).toBeNull();
    expect(reasonOf(composed, '{"c":1}')).toContain('there is no argument "c"');
    expect(reasonOf({ ...composed, additionalProperties: true }, '{"c":1}')).toBeNull();
  });

  test('a name of JavaScript’s own is an argument like any other', () => {
    const schema = { type: 'object', properties: { constructor: { type: 'string' } }, required: ['constructor'] };
    expect(reasonOf(schema, '{}')).toContain('"constructor" is missing');
    expect(reasonOf(schema, '{"__proto__":1,"constructor":"x"}')).toContain('__proto__');
  });
});

describe('findSchemaMistake', () => {
  test.each([
    [{ type: 'array' }, 'that of an object'],
    [{ type: 'object', requried: ['a'] }, 'unknown keyword: "requried"'],
    [{ type: 'object', properties: { a: { type: 'txt' } } }, 'schema is invalid'],
    [{ type: 'object', properties: { a: { pattern: '([' } } }, 'Invalid regular expression'],
    [{ type: 'object', properties: { a: { $ref: 'https://example.com/a.json' } } }, 'references must stay inside'],
    [{ type: 'object', properties: { a: { $ref: '#/$defs/none' } } }, '#/$defs/none'],
    [{ $schema: 'http://json-schema.org/draft-04/schema#', type: 'object' }, 'draft 2020-12 and draft 7'],
    [{ type: 'object', description: 'x'.repeat(300_000) }, 'are the most'],
  ])('%j', (schema, why) => {
    expect(findSchemaMistake(schema)).toContain(why);
  });

  test('an unknown format says nothing, and a schema may refer to itself', () => {
    const node = {
      type: 'object',
      properties: { next: { $ref: '#/$defs/node' }, id: { type: 'string', format: 'sku' } },
    };
    const schema = { type: 'object', properties: { list: { $ref: '#/$defs/node' } }, $defs: { node } };
    expect(findSchemaMistake(schema)).toBeNull();
    expect(reasonOf(schema, '{"list":{"next":{"next":{"id":1}}}}')).toContain('list.next.next.id must be string');
  });
});
