type Scalar = string | number | boolean | null;

/** What a filter may look at. */
export interface FilteredDocument {
  fields: Record<string, unknown>;
  metadata: Record<string, unknown>;
}

/** What a filter means, said a second time in another language: the truth that the compiled SQL is compared with. */
export function matchesFilter(document: FilteredDocument, filter: Record<string, unknown>): boolean {
  return Object.entries(filter).every(([key, value]) => {
    if (key === 'and') return (value as Record<string, unknown>[]).every((each) => matchesFilter(document, each));
    if (key === 'or') return (value as Record<string, unknown>[]).some((each) => matchesFilter(document, each));
    if (key === 'not') return !matchesFilter(document, value as Record<string, unknown>);
    const conditions = typeof value === 'object' && value !== null ? Object.entries(value) : [['eq', value] as const];
    const found = key.startsWith('metadata.')
      ? key.slice('metadata.'.length).split('.').reduce(step, document.metadata)
      : document.fields[key];
    return conditions.every(([operator, operand]) => holds(found ?? null, operator, operand));
  });
}

function step(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)[name]
    : undefined;
}

function holds(found: unknown, operator: string, operand: unknown): boolean {
  switch (operator) {
    case 'eq':
      return equals(found, operand as Scalar);
    case 'ne':
      return !equals(found, operand as Scalar);
    case 'in':
      return (operand as Scalar[]).some((each) => equals(found, each));
    case 'nin':
      return !(operand as Scalar[]).some((each) => equals(found, each));
    case 'exists':
      return (found !== null) === operand;
    default:
      return typeof found === typeof operand && found !== null && ordered(operator, found as string, operand as string);
  }
}

function equals(found: unknown, operand: Scalar): boolean {
  return found === operand || (operand !== null && Array.isArray(found) && found.includes(operand));
}

function ordered(operator: string, found: string | number, operand: string | number): boolean {
  if (operator === 'gt') return found > operand;
  if (operator === 'gte') return found >= operand;
  return operator === 'lt' ? found < operand : found <= operand;
}
