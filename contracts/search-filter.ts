import { z } from 'zod';

/** How fields of one kind are compared; a list of metadata is equal to each of its members. */
const kinds = {
  uuid: { types: ['string'], operators: ['eq', 'ne', 'in', 'nin', 'exists'] },
  text: { types: ['string'], operators: ['eq', 'ne', 'gt', 'gte', 'lt', 'lte', 'in', 'nin', 'exists'] },
  time: { types: ['string'], operators: ['eq', 'ne', 'gt', 'gte', 'lt', 'lte', 'exists'] },
  truth: { types: ['boolean'], operators: ['eq', 'ne'] },
  metadata: {
    types: ['string', 'number', 'boolean'],
    operators: ['eq', 'ne', 'gt', 'gte', 'lt', 'lte', 'in', 'nin', 'exists'],
  },
} as const;

/** Fields of a document that a filter may name, besides `metadata.…`. */
export const filterFields = {
  id: 'uuid',
  knowledge_source_id: 'uuid',
  title: 'text',
  document_type: 'text',
  source_url: 'text',
  path: 'text',
  author: 'text',
  language: 'text',
  created_at: 'time',
  updated_at: 'time',
  is_global: 'truth',
} as const satisfies Record<string, keyof typeof kinds>;

/** Bounds of one filter: nesting, conditions in all, members of one list, and characters of one text. */
export const filterLimits = { depth: 8, conditions: 100, members: 1000, characters: 1000 } as const;

/** A mistake in a filter and where it is. */
export type FilterMistake = { path: string; message: string };

const metadataPath = /^metadata(?:\.(?:"[^"]{1,200}"|[^".]{1,200})){1,10}$/;

/**
 * A filter over documents: an object of fields, each with a value it must equal or an object of operators, all of which
 * must hold; `and` and `or` take lists of filters, `not` takes one. What it means is `findFilterMistakes`.
 */
export const searchFilterSchema = z
  .record(z.string().max(2500), z.unknown())
  .describe(
    'Fields with a value or with operators (eq, ne, gt, gte, lt, lte, in, nin, exists); and, or: lists of filters; ' +
      `not: a filter. Fields: ${Object.keys(filterFields).join(', ')}, and metadata.NAME or metadata.NAME.NAME`,
  );

export type SearchFilter = z.infer<typeof searchFilterSchema>;

/** How the fields that a filter may name are compared; `known` says which there are. */
type Fields = { kindOf(field: string): keyof typeof kinds | null; known: readonly string[]; example: string };

const documentFields: Fields = {
  kindOf: (field) => {
    if (metadataPath.test(field)) return 'metadata';
    return Object.hasOwn(filterFields, field) ? filterFields[field as keyof typeof filterFields] : null;
  },
  known: [...Object.keys(filterFields), 'metadata.NAME'],
  example: '{"metadata.year": {"gte": 2020}}',
};

const argumentFields: Fields = {
  kindOf: (field) => (metadataPath.test(`metadata.${field}`) ? 'metadata' : null),
  known: ['NAME', 'NAME.NAME'],
  example: '{"total": {"gt": 100}}',
};

/** What is wrong with a filter, place by place; nothing when `compile_search_filter` in the database will take it. */
export function findFilterMistakes(filter: unknown, path: string): FilterMistake[] {
  return findMistakes(documentFields, filter, path);
}

/** What is wrong with a condition over the arguments of a tool, which is a filter whose fields are the arguments' names. */
export function findConditionMistakes(condition: unknown, path: string): FilterMistake[] {
  return findMistakes(argumentFields, condition, path);
}

function findMistakes(fields: Fields, filter: unknown, path: string): FilterMistake[] {
  const mistakes: FilterMistake[] = [];
  const count = { conditions: 0 };
  checkFilter(fields, filter, path, 1, count, mistakes);
  if (count.conditions > filterLimits.conditions)
    mistakes.push({
      path,
      message: `has ${count.conditions} conditions; ${filterLimits.conditions} are the most (a long list of values is one condition with in)`,
    });
  return mistakes;
}

function checkFilter(
  fields: Fields,
  filter: unknown,
  path: string,
  depth: number,
  count: { conditions: number },
  mistakes: FilterMistake[],
): void {
  if (!isObject(filter)) {
    mistakes.push({ path, message: `must be an object of fields, such as ${fields.example}` });
    return;
  }
  if (depth > filterLimits.depth) {
    mistakes.push({ path, message: `is nested deeper than ${filterLimits.depth} levels` });
    return;
  }
  for (const [key, value] of Object.entries(filter)) {
    const place = `${path}.${key}`;
    if (key === 'not') checkFilter(fields, value, place, depth + 1, count, mistakes);
    else if (key === 'and' || key === 'or') {
      if (!Array.isArray(value) || value.length === 0)
        mistakes.push({ path: place, message: 'must be a list of filters' });
      else value.forEach((item, index) => checkFilter(fields, item, `${place}.${index}`, depth + 1, count, mistakes));
    } else checkField(fields, key, value, place, count, mistakes);
  }
}

function checkField(
  fields: Fields,
  field: string,
  value: unknown,
  path: string,
  count: { conditions: number },
  mistakes: FilterMistake[],
): void {
  const kind = fields.kindOf(field);
  if (kind === null) {
    const known = [...fields.known, 'and', 'or', 'not'].join(', ');
    mistakes.push({ path, message: `is no field of a filter: use ${known}` });
    return;
  }
  const conditions = isObject(value) ? Object.entries(value) : [['eq', value] as const];
  if (conditions.length === 0) mistakes.push({ path, message: 'needs an operator, such as {"eq": "value"}' });
  for (const [operator, operand] of conditions) {
    count.conditions += 1;
    const message = mistakeOf(kind, operator, operand);
    if (message !== null) mistakes.push({ path: isObject(value) ? `${path}.${operator}` : path, message });
  }
}

function mistakeOf(kind: keyof typeof kinds, operator: string, operand: unknown): string | null {
  const { types, operators } = kinds[kind];
  if (!(operators as readonly string[]).includes(operator))
    return `is no operator for this field: use ${operators.join(', ')}`;
  if (operator === 'exists') return typeof operand === 'boolean' ? null : 'must be true or false';
  if (operator === 'in' || operator === 'nin') {
    if (!Array.isArray(operand) || operand.length === 0 || operand.length > filterLimits.members)
      return `must be a list of 1 to ${filterLimits.members} values`;
    return (
      operand.map((member) => mistakeOfValue(kind, types, member, true)).find((message) => message !== null) ?? null
    );
  }
  return mistakeOfValue(kind, types, operand, operator === 'eq' || operator === 'ne');
}

function mistakeOfValue(
  kind: keyof typeof kinds,
  types: readonly string[],
  value: unknown,
  orNull: boolean,
): string | null {
  if (value === null && orNull && kind !== 'truth') return null;
  if (!types.includes(typeof value) || (typeof value === 'boolean' && !orNull))
    return `must be a ${(orNull ? types : types.filter((type) => type !== 'boolean')).join(' or ')}, not ${describe(value)}`;
  if (typeof value !== 'string') return null;
  if (value.length > filterLimits.characters) return `may have ${filterLimits.characters} characters`;
  if (value.includes('\0')) return 'may not hold the character NUL';
  if (kind === 'uuid' && !z.guid().safeParse(value).success) return 'must be an id (a UUID)';
  if (kind === 'time' && Number.isNaN(Date.parse(value)))
    return 'must be a time in ISO 8601, such as 2026-01-31 or 2026-01-31T12:00:00Z';
  return null;
}

function describe(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'an object' : JSON.stringify(value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
