type Value = unknown;

/**
 * Whether the arguments of a call meet a condition, which is a filter over their names: `total`, `order.total`,
 * `order."unit.price"`. Comparisons are those of filters over metadata: a list equals each of its members, numbers are
 * ordered among numbers and texts among texts by their characters, and what is missing is null.
 */
export function meetsCondition(condition: Readonly<Record<string, unknown>>, args: Value): boolean {
  return Object.entries(condition).every(([key, value]) => {
    if (key === 'not') return !meetsCondition(value as Record<string, unknown>, args);
    if (key === 'and') return (value as Record<string, unknown>[]).every((part) => meetsCondition(part, args));
    if (key === 'or') return (value as Record<string, unknown>[]).some((part) => meetsCondition(part, args));
    const found = valueAt(args, key);
    if (!isObject(value)) return equals(found, value);
    return Object.entries(value).every(([operator, operand]) => compares(found, operator, operand));
  });
}

function compares(found: Value, operator: string, operand: Value): boolean {
  switch (operator) {
    case 'eq':
      return equals(found, operand);
    case 'ne':
      return !equals(found, operand);
    case 'in':
      return (operand as Value[]).some((member) => equals(found, member));
    case 'nin':
      return !(operand as Value[]).some((member) => equals(found, member));
    case 'exists':
      return (found !== null) === operand;
    default:
      return ordered(found, operator, operand);
  }
}

function equals(found: Value, operand: Value): boolean {
  return found === operand || (Array.isArray(found) && operand !== null && found.includes(operand));
}

function ordered(found: Value, operator: string, operand: Value): boolean {
  const order =
    typeof found === 'number' && typeof operand === 'number'
      ? found - operand
      : typeof found === 'string' && typeof operand === 'string'
        ? compareCodePoints(found, operand)
        : Number.NaN;
  switch (operator) {
    case 'gt':
      return order > 0;
    case 'gte':
      return order >= 0;
    case 'lt':
      return order < 0;
    case 'lte':
      return order <= 0;
    default:
      // The condition was checked when it was stored. What is not understood must not let a call pass.
      return true;
  }
}

/** As the database orders by bytes: UTF-8 keeps the order of code points, UTF-16 does not. */
function compareCodePoints(one: string, other: string): number {
  let at = 0;
  while (at < one.length && one.charCodeAt(at) === other.charCodeAt(at)) at += 1;
  // The difference may lie in the second half of a character, whose first half both have.
  if (at > 0 && isHighSurrogate(one.charCodeAt(at - 1))) at -= 1;
  return (one.codePointAt(at) ?? -1) - (other.codePointAt(at) ?? -1);
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function valueAt(args: Value, path: string): Value {
  let value: Value = args;
  for (const [, quoted, plain] of path.matchAll(/"([^"]+)"|([^."]+)/g)) {
    const name = quoted ?? plain!;
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return null;
    value = (value as Record<string, Value>)[name];
  }
  return value ?? null;
}

function isObject(value: Value): value is Record<string, Value> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
