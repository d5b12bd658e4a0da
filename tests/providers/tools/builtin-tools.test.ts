import { describe, expect, test } from '@jest/globals';
import { calculate } from '../../../providers/tools/builtin/calculate.ts';
import { describeBuiltin, openTool } from '../../../providers/tools/open-tool.ts';
import type { Tool } from '../../../providers/tool.ts';

function open(configuration: Record<string, unknown>, now = new Date('2026-03-29T00:30:00Z')): Tool {
  const definition = {
    type: 'builtin',
    id: 't',
    version: 1,
    name: 'tool',
    description: '',
    parameters: describeBuiltin('calculator').parameters,
    effect: 'read',
    idempotent: true,
    approval: { mode: 'never' },
    timeoutMs: 1000,
    maxResultBytes: 1000,
  } as const;
  const fetch = () => Promise.reject(new Error('not fetched'));
  return openTool({ fetch, now: () => now }, definition, configuration, null);
}

const run = (tool: Tool, args: Record<string, unknown>) =>
  tool.run(args, { callId: 'c', workspaceId: 'w', user: { id: 'u' }, signal: new AbortController().signal });

describe('the calculator', () => {
  test.each([
    ['0.1 + 0.2', '0.3'],
    ['19.99 * 3', '59.97'],
    ['(19.99 * 3 + 4.50) * 1.19', '76.7193'],
    ['123456789012345678901234567890 + 1', '123456789012345678901234567891'],
    ['1/3', '0.3333333333333333333333333333333333333333'],
    ['-2^2', '-4'],
    ['2^3^2', '512'],
    ['2 ** -2', '0.25'],
    ['7 % 3 + -7 % 3', '0'],
    ['10 − 2 × 3 ÷ 4', '8.5'],
    ['5!', '120'],
    ['round(2.345, 2) + round(-2.5)', '-0.65'],
    ['sqrt(2)^2', '2'],
    ['max(1, 2.5, 2) - min(4; 3)', '-0.5'],
    ['log(1000) + ln(e) + log(8, 2)', '7'],
    ['sum(1, 2, 3) / avg(1, 2, 3)', '3'],
    ['1_000_000 * 1.5e3', '1500000000'],
    ['cos(π)', '-1'],
    ['((((1))))', '1'],
  ])('%s = %s', (expression, value) => {
    expect(Number(calculate(expression))).toBeCloseTo(Number(value), 12);
    if (!expression.startsWith('sqrt')) expect(calculate(expression)).toBe(value);
  });

  test.each([
    ['', 'the end at character 1'],
    ['1 +', 'the end at character 4'],
    ['2 3', '"3" at character 3 where an operator'],
    ['(1', 'where ")" was expected'],
    ['1 / (2 - 2)', 'divided by zero'],
    ['sqrt(-1)', 'real numbers'],
    ['9^9^9^9', 'too large'],
    ['1001!', 'factorial'],
    ['constructor(1)', '"constructor" is neither'],
    ['__proto__', 'where a number was expected'],
    ['process.exit()', '"process" is neither'],
    ['1; process.exit()', '"; process." at character 2'],
    ['round(1, 2, 3)', 'round takes 1 to 2 numbers'],
    ['('.repeat(500), 'nested deeper'],
    ['1+'.repeat(2000), 'are the most'],
  ])('%s is told as a mistake', async (expression, why) => {
    const result = await run(open({ builtin: 'calculator' }), { expression });
    expect(result.isError).toBe(true);
    expect(result.content).toContain(why);
  });

  test('an expression that would take ages is stopped', async () => {
    const started = performance.now();
    const result = await run(open({ builtin: 'calculator' }), {
      expression: Array(280).fill('999!').join('*1e-9000*'),
    });
    expect(result.isError).toBe(true);
    expect(performance.now() - started).toBeLessThan(3000);
  });
});

describe('the clock', () => {
  test.each([
    [{}, '2026-03-29T02:30:00+02:00', false],
    [{ time_zone: 'UTC' }, '2026-03-29T00:30:00+00:00 (Sunday, UTC)', true],
    [{ time_zone: 'Europe/Berlin' }, '2026-03-29T01:30:00+01:00 (Sunday, Europe/Berlin)', true],
    [{ time_zone: 'America/New_York' }, '2026-03-28T20:30:00-04:00 (Saturday, America/New_York)', true],
    [{ time_zone: 'Asia/Kathmandu' }, '2026-03-29T06:15:00+05:45 (Sunday, Asia/Kathmandu)', true],
  ])('%j: %s', async (args, expected, isWhole) => {
    const result = await run(open({ builtin: 'current_time', time_zone: 'Africa/Cairo' }), args);
    expect(result).toMatchObject({ isError: false, truncated: false });
    if (isWhole) expect(result.content).toBe(expected);
    else expect(result.content).toBe(`${expected} (Sunday, Africa/Cairo)`);
  });

  test('knows when summer time begins', async () => {
    const later = open({ builtin: 'current_time', time_zone: 'Europe/Berlin' }, new Date('2026-03-29T01:00:00Z'));
    expect((await run(later, {})).content).toBe('2026-03-29T03:00:00+02:00 (Sunday, Europe/Berlin)');
  });

  test.each(['Mars/Olympus', '+02:00', ''])('%j is no time zone', async (zone) => {
    const result = await run(open({ builtin: 'current_time' }), { time_zone: zone });
    expect(result).toMatchObject({ isError: true, content: expect.stringContaining('Europe/Berlin') });
  });
});
