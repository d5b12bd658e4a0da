import { givenVariables, type PromptType, type TemplateValues, type TemplateVariable } from './template-variables.ts';

/** A mistake in a template: `path` is the field that has it. */
export type TemplateMistake = { path: string; message: string };

/** A variable that cannot be filled, and why. */
export type UnfilledVariable = { name: string; reason: string };

/** A place for a variable; `name` is null where the braces are not closed. */
type Placeholder = { name: string | null; start: number; end: number };

// A backslash in front keeps the braces as they are, for templates that show templates.
const marks = /\\\{\{|\{\{([^{}]*)\}\}|\{\{/g;
const variableName = /^[A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)*$/;
const isoDate = /^\d{4}-\d{2}-\d{2}(?:T[\d:.]+(?:Z|[+-]\d{2}:\d{2})?)?$/;

/**
 * Checks a template before it is stored: `{{name}}` where a variable goes, each name declared or given by Perdure, each
 * declared variable used, each default of its variable's type. Returns every mistake with its place.
 */
export function checkTemplate(given: {
  template: string;
  type: PromptType;
  variables: readonly TemplateVariable[];
}): TemplateMistake[] {
  const mistakes: TemplateMistake[] = [];
  const known = new Set(givenVariables(given.type));
  const declared = new Set(given.variables.map((variable) => variable.name));
  const used = new Set<string>();
  for (const { name, start } of scan(given.template)) {
    const place = placeOf(given.template, start);
    if (name === null)
      mistakes.push({
        path: 'template',
        message: `"{{" at ${place} is not closed by "}}"; write "\\{{" to mean it as it is`,
      });
    else if (!variableName.test(name))
      mistakes.push({
        path: 'template',
        message: `"{{${name}}}" at ${place} is no name: use letters, digits, "_" and "-", such as {{customer_name}}`,
      });
    else if (!declared.has(name) && !known.has(name))
      mistakes.push({
        path: 'template',
        message: `{{${name}}} at ${place} is not declared: add it to variables, or use one of ${[...known].join(', ')}`,
      });
    else used.add(name);
  }
  const seen = new Set<string>();
  for (const [index, variable] of given.variables.entries()) {
    const path = `variables.${index}`;
    if (!variableName.test(variable.name))
      mistakes.push({
        path: `${path}.name`,
        message: `"${variable.name}" is no name: use letters, digits, "_" and "-"`,
      });
    else if (seen.has(variable.name)) mistakes.push({ path, message: `"${variable.name}" is declared twice` });
    else if (!used.has(variable.name))
      mistakes.push({
        path,
        message: `"${variable.name}" is not used in the template: use {{${variable.name}}}, or remove it`,
      });
    seen.add(variable.name);
    if (variable.type === 'enum' && variable.values.length === 0)
      mistakes.push({ path: `${path}.values`, message: `"${variable.name}" needs the values that it may have` });
    if (variable.default === null) continue;
    const printed = print(variable, variable.default);
    if ('reason' in printed) mistakes.push({ path: `${path}.default`, message: `the default ${printed.reason}` });
  }
  return mistakes;
}

/**
 * Puts values in the places of a template. A value is text only: what it contains is not filled again. A dotted name is
 * looked up step by step in nested values. Returns every variable that has no value, or one of the wrong type.
 */
export function fillTemplate(
  template: string,
  variables: readonly TemplateVariable[],
  values: TemplateValues,
): { text: string } | { unfilled: UnfilledVariable[] } {
  const declared = new Map(variables.map((variable) => [variable.name, variable]));
  const unfilled = new Map<string, UnfilledVariable>();
  let text = '';
  let at = 0;
  for (const { name, start, end } of scan(template)) {
    // What was stored before templates were checked may have braces that mean nothing.
    if (name === null) continue;
    const variable = declared.get(name) ?? undeclared(name);
    const value = lookUp(values, name) ?? variable.default;
    const printed = value === null ? printNothing(variable) : print(variable, value);
    if ('reason' in printed) unfilled.set(name, { name, reason: printed.reason });
    else text += template.slice(at, start) + printed.text;
    at = end;
  }
  if (unfilled.size > 0) return { unfilled: [...unfilled.values()] };
  return { text: (text + template.slice(at)).replaceAll('\\{{', '{{') };
}

function* scan(template: string): Generator<Placeholder> {
  for (const { 0: whole, 1: inner, index } of template.matchAll(marks)) {
    if (whole === '\\{{') continue;
    yield { name: inner === undefined ? null : inner.trim(), start: index, end: index + whole.length };
  }
}

function undeclared(name: string): TemplateVariable {
  return { name, type: 'string', required: true, default: null, values: [], description: '' };
}

function lookUp(values: TemplateValues, name: string): string | number | boolean | null {
  let value: unknown = Object.hasOwn(values, name) ? values[name] : undefined;
  if (value === undefined && name.includes('.')) {
    value = values;
    for (const key of name.split('.'))
      value =
        typeof value === 'object' && value !== null && Object.hasOwn(value, key)
          ? (value as TemplateValues)[key]
          : undefined;
  }
  if (value === undefined || value === null) return null;
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? value
    : JSON.stringify(value);
}

function printNothing({ required }: TemplateVariable): { text: string } | { reason: string } {
  return required ? { reason: 'has no value' } : { text: '' };
}

function print(variable: TemplateVariable, value: string | number | boolean): { text: string } | { reason: string } {
  const text = String(value);
  const shown = JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
  const printed = printers[variable.type](value, variable);
  return 'text' in printed ? printed : { reason: `is ${shown} and must be ${printed.expected}` };
}

type Printer = (
  value: string | number | boolean,
  variable: TemplateVariable,
) => { text: string } | { expected: string };

const printers: Record<TemplateVariable['type'], Printer> = {
  string: (value) => ({ text: String(value) }),
  number: (value) => {
    const text = String(value).trim();
    const isNumber = typeof value !== 'boolean' && text !== '' && Number.isFinite(Number(text));
    return isNumber ? { text } : { expected: 'a number' };
  },
  boolean: (value) =>
    /^(?:true|false)$/.test(String(value)) ? { text: String(value) } : { expected: 'true or false' },
  enum: (value, { values }) =>
    values.includes(String(value)) ? { text: String(value) } : { expected: `one of ${values.join(', ')}` },
  date: (value) => (isoDate.test(String(value)) ? { text: String(value) } : { expected: 'a date such as 2026-03-01' }),
};

function placeOf(text: string, index: number): string {
  const before = text.slice(0, index).split('\n');
  return `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
}
