/** The part of JSON Schema (draft 2020-12) in which judges answer and metrics have parameters; `{}` is any value. */
export type ValueSchema = {
  readonly type?: 'string' | 'number' | 'integer' | 'boolean' | 'array' | 'object';
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly (string | number)[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly items?: ValueSchema;
  readonly properties?: Readonly<Record<string, ValueSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean;
};

/** What is wrong with a value, and where; null when it fits. */
export function findMistake(schema: ValueSchema, value: unknown, place = 'the value'): string | null {
  if (schema.type !== undefined && !isOfType(schema.type, value)) return `${place} must be ${article(schema.type)}`;
  if (schema.enum !== undefined && !schema.enum.some((each) => each === value)) {
    return `${place} must be one of ${schema.enum.map((each) => JSON.stringify(each)).join(', ')}`;
  }
  if (typeof value === 'number') return findNumberMistake(schema, value, place);
  if (typeof value === 'string') {
    const least = schema.minLength ?? 0;
    return value.length < least ? `${place} must have at least ${least} characters` : null;
  }
  if (Array.isArray(value)) return findListMistake(schema, value, place);
  return isObject(value) ? findObjectMistake(schema, value, place) : null;
}

function findNumberMistake({ minimum, maximum }: ValueSchema, value: number, place: string): string | null {
  if (minimum !== undefined && value < minimum) return `${place} must be at least ${minimum}`;
  return maximum !== undefined && value > maximum ? `${place} must be at most ${maximum}` : null;
}

function findListMistake(schema: ValueSchema, list: readonly unknown[], place: string): string | null {
  const { minItems = 0, maxItems = Infinity, items } = schema;
  if (list.length < minItems) return `${place} must have at least ${minItems} entries`;
  if (list.length > maxItems) return `${place} must have at most ${maxItems} entries`;
  for (const [index, item] of list.entries()) {
    const mistake = items === undefined ? null : findMistake(items, item, `${place}[${index}]`);
    if (mistake !== null) return mistake;
  }
  return null;
}

function findObjectMistake(schema: ValueSchema, value: Record<string, unknown>, place: string): string | null {
  const { properties = {}, required = [], additionalProperties = true } = schema;
  const at = (name: string) => (place === 'the value' ? name : `${place}.${name}`);
  for (const name of required) if (!Object.hasOwn(value, name)) return `${at(name)} is missing`;
  for (const [name, part] of Object.entries(value)) {
    const known = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (known === undefined && !additionalProperties) return `${at(name)} is not known`;
    const mistake = known === undefined ? null : findMistake(known, part, at(name));
    if (mistake !== null) return mistake;
  }
  return null;
}

/** Whether a value is a JSON object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isOfType(type: NonNullable<ValueSchema['type']>, value: unknown): boolean {
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return isObject(value);
  if (type === 'integer') return Number.isInteger(value);
  return typeof value === type && (type !== 'number' || Number.isFinite(value));
}

function article(type: string): string {
  return /^[aio]/.test(type) ? `an ${type}` : `a ${type}`;
}
