/** A mistake in a row; `column` is the one that has it. */
export type RowMistake = { column: string; message: string };

type Values = Record<string, unknown>;

/** Names that columns go by in the files of other tools; the first is ours. */
const columns = {
  key: ['key', 'id', 'case_id'],
  question: ['question', 'query', 'user_input', 'prompt'],
  messages: ['messages'],
  variables: ['variables', 'inputs'],
  expected_answer: ['expected_answer', 'answer', 'expected', 'expected_output', 'ground_truth', 'reference'],
  expected_documents: ['expected_documents', 'documents', 'relevant_documents'],
  expected_chunks: ['expected_chunks'],
  expected_tool_calls: ['expected_tool_calls'],
  is_unanswerable: ['is_unanswerable', 'unanswerable', 'is_impossible'],
  tags: ['tags'],
  metadata: ['metadata'],
} as const;

type Field = keyof typeof columns;

const fieldOf = new Map<string, Field>(
  Object.entries(columns).flatMap(([field, names]) => names.map((name) => [name, field as Field] as const)),
);

/**
 * The case that a row of a table or a line of JSON describes, as `POST /evaluation-datasets` takes it; not yet checked.
 * Cells of tables are texts: lists are JSON or parted by `;`, truth values are `true`, `yes` or `1`. Columns `variables.x`
 * become variables, unknown ones metadata. Empty cells say nothing.
 */
export function caseOfRow(row: Values): { given: Values } | { mistakes: RowMistake[] } {
  const mistakes: RowMistake[] = [];
  const found: Partial<Record<Field, unknown>> = {};
  const variables: Values = {};
  const metadata: Values = {};
  const read = (column: string, value: unknown): void => {
    const name = column
      .trim()
      .toLowerCase()
      .replaceAll(/[\s-]+/g, '_');
    const field = fieldOf.get(name);
    if (field === undefined && name.startsWith('variables.'))
      variables[column.trim().slice('variables.'.length)] = value;
    else if (field === undefined && name === 'input' && typeof value === 'object')
      Object.assign(found, { input: value });
    else if (field === undefined && name === 'input') found.question ??= value;
    else if (field === undefined) metadata[column.trim()] = value;
    else if (found[field] === undefined) found[field] = value;
    else mistakes.push({ column, message: `says the same as the column ${columns[field][0]}; keep one of them` });
  };
  for (const [column, value] of Object.entries(row)) {
    if (value === null || value === undefined || (typeof value === 'string' && value.trim() === '')) continue;
    read(column, value);
  }
  const json = (field: Field): unknown => {
    const value = found[field];
    if (typeof value !== 'string') return value;
    try {
      return JSON.parse(value) as unknown;
    } catch {
      mistakes.push({ column: columns[field][0], message: 'must be JSON' });
      return undefined;
    }
  };
  const list = (field: Field): unknown => {
    const value = found[field];
    if (typeof value !== 'string') return value;
    if (/^\s*\[/.test(value)) return json(field);
    return value
      .split(';')
      .map((part) => part.trim())
      .filter((part) => part !== '');
  };
  const text = (field: Field): unknown => (typeof found[field] === 'number' ? String(found[field]) : found[field]);
  const given = (found as { input?: unknown }).input;
  const messages = json('messages');
  const named = json('variables');
  const filled = { ...(typeof named === 'object' ? named : {}), ...variables };
  const asked = messages === undefined ? { question: text('question') } : { messages };
  const input = given ?? {
    ...(messages === undefined && found.question === undefined ? {} : asked),
    ...(Object.keys(filled).length === 0 ? {} : { variables: filled }),
  };
  if (typeof input === 'object' && input !== null && Object.keys(input).length === 0)
    mistakes.push({ column: 'question', message: 'is missing: each case needs a question, messages or variables' });
  const unanswerable = truthOf(found.is_unanswerable);
  if (unanswerable === null) mistakes.push({ column: 'is_unanswerable', message: 'must be true or false' });
  const stored = json('metadata');
  const rest: Values = {
    key: text('key'),
    expected_answer: text('expected_answer'),
    expected_documents: list('expected_documents'),
    expected_chunks: json('expected_chunks'),
    expected_tool_calls: json('expected_tool_calls'),
    tags: list('tags'),
  };
  if (mistakes.length > 0) return { mistakes };
  const said = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
  return {
    given: {
      ...said,
      input,
      is_unanswerable: unanswerable,
      metadata: typeof stored === 'object' && stored !== null ? { ...metadata, ...stored } : metadata,
    },
  };
}

function truthOf(value: unknown): boolean | null {
  if (value === undefined) return false;
  if (typeof value === 'boolean') return value;
  if (typeof value !== 'string' && typeof value !== 'number') return null;
  const said = String(value).trim().toLowerCase();
  if (['true', 'yes', '1'].includes(said)) return true;
  return ['false', 'no', '0'].includes(said) ? false : null;
}
