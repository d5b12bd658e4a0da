import { describe, expect, test } from '@jest/globals';
import { checkTemplate, fillTemplate } from '../../contracts/names/fill-template.ts';
import type { TemplateVariable } from '../../contracts/names/template-variables.ts';

const variable = (name: string, fields: Partial<TemplateVariable> = {}): TemplateVariable => ({
  ...{ name, type: 'string', required: true, default: null, values: [], description: '' },
  ...fields,
});
const mistakes = (template: string, variables: TemplateVariable[] = []) =>
  checkTemplate({ template, variables, type: 'system' }).map(({ path, message }) => `${path}: ${message}`);

describe('checkTemplate', () => {
  test('finds nothing wrong with declared, given and escaped names', () => {
    expect(
      mistakes('{{company}} {{ customer.name }}\n{{question}} on {{date}}: write \\{{x}} as it is', [
        variable('company'),
        variable('customer.name'),
      ]),
    ).toEqual([]);
  });

  test.each([
    [
      'Hello\n  {{company}}',
      [],
      /^template: \{\{company\}\} at line 2, column 3 is not declared: add it to variables, or use one of date, user,/,
    ],
    ['a {{company', [], /^template: "\{\{" at line 1, column 3 is not closed/],
    ['{{my company}}', [], /^template: "\{\{my company\}\}" at line 1, column 1 is no name/],
    ['{{}}', [], /^template: "\{\{\}\}" at line 1, column 1 is no name/],
    ['x', [variable('company')], /^variables\.0: "company" is not used in the template/],
    ['{{a}}', [variable('a'), variable('a')], /^variables\.1: "a" is declared twice/],
    ['{{a}}', [variable('a', { type: 'enum' })], /^variables\.0\.values: "a" needs the values/],
    [
      '{{a}}',
      [variable('a', { type: 'number', default: 'many' })],
      /^variables\.0\.default: the default is "many" and must be a number/,
    ],
    ['{{answer}}', [], /is not declared/],
  ])('names the mistake and its place in %j', (template, variables, message) => {
    expect(mistakes(template, variables)).toEqual([expect.stringMatching(message)]);
  });
});

describe('fillTemplate', () => {
  const fill = (template: string, variables: TemplateVariable[], values: Record<string, unknown>) =>
    fillTemplate(template, variables, values);

  test('puts values in their places, defaults where there is none, and nothing where none is needed', () => {
    const variables = [variable('a'), variable('b', { default: 'B' }), variable('c', { required: false })];
    expect(fill('{{a}}-{{ b }}-{{c}}-{{a}}-\\{{a}}', variables, { a: 'A' })).toEqual({ text: 'A-B--A-{{a}}' });
  });

  test('takes values of values, and keeps JSON as it is', () => {
    const values = { customer: { name: 'Ada', tags: ['x'] } };
    expect(fill('{{customer.name}} {{customer.tags}}', [], values)).toEqual({ text: 'Ada ["x"]' });
  });

  test('fills a value once: what it contains is text', () => {
    expect(fill('{{a}}', [variable('a')], { a: '{{b}} $& $1', b: 'no' })).toEqual({ text: '{{b}} $& $1' });
  });

  test.each([
    [variable('a'), undefined, 'has no value'],
    [variable('a', { type: 'number' }), 'ten', 'is "ten" and must be a number'],
    [variable('a', { type: 'boolean' }), 'yes', 'is "yes" and must be true or false'],
    [variable('a', { type: 'enum', values: ['x', 'y'] }), 'z', 'is "z" and must be one of x, y'],
    [variable('a', { type: 'date' }), '1.3.2026', 'is "1.3.2026" and must be a date such as 2026-03-01'],
  ])('says why %j cannot be filled with %j', (given, value, reason) => {
    expect(fill('{{a}}', [given], value === undefined ? {} : { a: value })).toEqual({
      unfilled: [{ name: 'a', reason }],
    });
  });

  test.each([
    [variable('a', { type: 'number' }), '1.5', '1.5'],
    [variable('a', { type: 'number' }), 7, '7'],
    [variable('a', { type: 'boolean' }), false, 'false'],
    [variable('a', { type: 'enum', values: ['x'] }), 'x', 'x'],
    [variable('a', { type: 'date' }), '2026-03-01', '2026-03-01'],
  ])('prints %j of %j', (given, value, text) => {
    expect(fill('{{a}}', [given], { a: value })).toEqual({ text });
  });
});
