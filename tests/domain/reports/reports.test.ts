import { describe, expect, test } from '@jest/globals';
import { parse } from 'csv-parse/sync';
import { parseDocument } from 'htmlparser2';
import type { CaseScore } from '../../../domain/metrics/aggregate/case-scores.ts';
import { readMetricChoice } from '../../../domain/metrics/read-metric-choice.ts';
import { composeReport } from '../../../domain/reports/compose-report.ts';
import type { EvaluationReport, ReportCase } from '../../../domain/reports/evaluation-report.ts';
import { renderCsv } from '../../../domain/reports/render-csv.ts';
import { renderJunit } from '../../../domain/reports/render-junit.ts';
import { renderMarkdown } from '../../../domain/reports/render-markdown.ts';

function reportCase(position: number, part: Partial<ReportCase> = {}): ReportCase {
  const score = { metric: 'token_f1', state: 'scored', score: 1, reason: null } as const;
  return {
    case_id: `case ${position}`,
    position,
    variant: 0,
    repetition: 0,
    state: 'done',
    question: `Question ${position}?`,
    expected_answer: 'Paris',
    answer: 'Paris',
    error: null,
    latency_ms: 1500,
    tokens: 10,
    cost: 0.001,
    tags: [],
    scores: [score],
    ...part,
  };
}

const nasty = 'a "b" <c> & ]]> |d|\n=HYPERLINK("http://evil.example")\u0000\ud800 ünï 漢字';

const cases = [
  reportCase(1, { question: '=1+1', answer: '-2', tags: ['easy', '@home'] }),
  reportCase(2, {
    question: nasty,
    answer: '+SUM(A1:A9)',
    scores: [{ metric: 'token_f1', state: 'scored', score: 0.5, reason: '\tTab' }],
  }),
  reportCase(3, {
    tags: ['odd'],
    scores: [{ metric: 'token_f1', state: 'unscored', score: null, reason: 'The judge was down.' }],
  }),
  reportCase(4, {
    state: 'failed',
    answer: null,
    error: 'The provider answered 400.',
    scores: [{ metric: 'token_f1', state: 'unscored', score: null, reason: 'The target failed.' }],
  }),
];

function rowsOf(list: readonly ReportCase[]): CaseScore[] {
  return list.flatMap(({ case_id: caseId, repetition, scores }) =>
    scores.map(({ state, score }) => ({ caseId, repetition, state, score })),
  );
}

function report(part: Partial<Parameters<typeof composeReport>[0]> = {}): EvaluationReport {
  const read = readMetricChoice('token_f1');
  if (!('choice' in read)) throw new Error(read.mistakes.join(' '));
  const baseline = [1, 1, 1].map((score, index) => ({
    caseId: `case ${index + 1}`,
    repetition: 0,
    state: 'scored' as const,
    score,
  }));
  const composing = composeReport({
    evaluation: {
      id: 'e1',
      name: 'Nightly <1>',
      type: 'agent',
      status: 'completed',
      started_at: '2026-11-22T10:00:00Z',
      completed_at: '2026-11-22T10:01:00Z',
      git_revision: 'abc',
      seed: 1,
      repetitions: 1,
    },
    dataset: { id: 'd1', name: 'Capitals', version: 2, hash: 'f00', cases: 4 },
    target: { agent: 'guide', version: 3 },
    baseline: { id: 'e0', name: 'Last night' },
    variants: [{ index: 0, name: 'small model', configuration: {} }],
    cases,
    gates: [{ metric: 'token_f1', min: 0.8 }],
    measured: [{ variant: 0, choice: read.choice, rows: rowsOf(cases), baseline }],
    ...part,
  });
  let step = composing.next();
  while (step.done !== true) step = composing.next();
  return step.value;
}

describe('a composed report', () => {
  test('has figures, comparison, changes and verdict, and is the same for the same rows', () => {
    const composed = report();
    expect(composed).toMatchObject({
      verdict: 'incomplete',
      metrics: [
        {
          metric: 'token_f1',
          mean: 0.75,
          scored: 2,
          unscored: 2,
          not_applicable: 0,
          baseline: { paired: 2, unpaired: 1, better: 0, worse: 1, same: 1, difference: -0.25 },
        },
      ],
      tags: [
        { tag: '@home', metric: 'token_f1', variant: 0, mean: 1, cases: 1, unscored: 0 },
        { tag: 'easy', metric: 'token_f1', variant: 0, mean: 1, cases: 1, unscored: 0 },
        { tag: 'odd', metric: 'token_f1', variant: 0, mean: null, cases: 0, unscored: 1 },
      ],
      changes: [{ case_id: 'case 2', outcome: 'worse', baseline: 1, score: 0.5 }],
    });
    expect(report()).toEqual(composed);
    expect(JSON.parse(JSON.stringify(composed))).toEqual(composed);
  });
});

test('variants of a run are compared with its first one', () => {
  const read = readMetricChoice('token_f1');
  if (!('choice' in read)) throw new Error(read.mistakes.join(' '));
  const { choice } = read;
  const rows = (scores: number[]) =>
    scores.map((score, index) => ({ caseId: `case ${index}`, repetition: 0, state: 'scored' as const, score }));
  const composed = report({
    baseline: null,
    variants: [
      { index: 0, name: 'small', configuration: {} },
      { index: 1, name: 'large', configuration: {} },
    ],
    measured: [
      { variant: 0, choice, rows: rows([0.5, 0.5, 0.5]), baseline: null },
      { variant: 1, choice, rows: rows([0.75, 1, 0.5]), baseline: null },
    ],
  });
  expect(composed.metrics.map((each) => each.first_variant)).toMatchObject([
    null,
    { paired: 3, better: 2, worse: 0, same: 1, difference: 0.25 },
  ]);
  const text = renderMarkdown(composed);
  expect(text).toContain('| against small |');
  expect(text).toMatch(/\| large \| .* \| \+0\.25 \| 2 \/ 0 \/ 1 \|/);
});

describe('CSV', () => {
  const lines = parse(renderCsv(report()), { columns: true }) as unknown as Record<string, string>[];

  test('is read back by a parser, a line per case', () => {
    expect(lines).toHaveLength(4);
    expect(lines[1]!['question']).toBe(nasty.toWellFormed());
    expect(lines[3]).toMatchObject({
      state: 'failed',
      answer: '',
      error: 'The provider answered 400.',
      token_f1: '',
      'token_f1: state': 'unscored',
      'token_f1: reason': 'The target failed.',
      latency_ms: '1500',
    });
  });

  test('has no cell that a spreadsheet would take for a formula, and leaves numbers alone', () => {
    expect(lines[0]).toMatchObject({ question: "'=1+1", answer: "'-2", tags: 'easy, @home', token_f1: '1' });
    expect(lines[1]).toMatchObject({ answer: "'+SUM(A1:A9)", 'token_f1: reason': "'\tTab" });
    const texts = lines.flatMap((line) => Object.entries(line).filter(([name]) => !/^(?:token_f1|cost)$/.test(name)));
    expect(texts.filter(([, text]) => /^[=+\-@\t\r]/.test(text))).toEqual([]);
  });
});

describe('JUnit', () => {
  type Element = { name?: string; attribs: Record<string, string>; children: Element[]; data?: string };
  const xml = renderJunit(report());
  const [root] = (parseDocument(xml, { xmlMode: true }).children as unknown as Element[]).filter(
    ({ name }) => name === 'testsuites',
  );
  const within = ({ children }: Element, name: string) => children.filter((child) => child.name === name);

  test('has a suite of the gates and one per variant, whose counts are those of their cases', () => {
    const suites = within(root!, 'testsuite');
    expect(
      suites.map(({ attribs }) => [attribs['name'], attribs['tests'], attribs['errors'], attribs['skipped']]),
    ).toEqual([
      ['Nightly <1>: gates', '1', '1', '0'],
      ['Nightly <1>: small model', '4', '1', '1'],
    ]);
    for (const suite of suites) {
      const all = within(suite, 'testcase');
      expect(suite.attribs['tests']).toBe(String(all.length));
      for (const [element, count] of [
        ['error', 'errors'],
        ['failure', 'failures'],
        ['skipped', 'skipped'],
      ] as const) {
        expect(suite.attribs[count]).toBe(String(all.filter((each) => within(each, element).length > 0).length));
      }
    }
    expect(root!.attribs['tests']).toBe('5');
  });

  test('a failed gate is a failure', () => {
    const failed = renderJunit(report({ gates: [{ metric: 'token_f1', min: 0.9, max_unscored_share: 1 }] }));
    expect(failed).toContain('<failure message="It is 0.75."/>');
  });

  test('texts are escaped, and characters that XML cannot hold are replaced', () => {
    const name = within(within(root!, 'testsuite')[1]!, 'testcase')[1]!.attribs['name']!;
    expect(name.replaceAll('&#10;', '\n')).toBe(`2: ${nasty.toWellFormed().replace('\u0000', '\ufffd')}`);
    expect(xml).not.toContain('\u0000');
    expect(xml).not.toContain('<c>');
    expect(xml.isWellFormed()).toBe(true);
  });
});

describe('Markdown', () => {
  const text = renderMarkdown(report());

  test('says the verdict, the figures and what to look at first', () => {
    expect(text).toContain('- Verdict: **incomplete**');
    expect(text).toMatch(/\| token\\_f1 \| small model \| 0\.75 \| .* \| 2 \| 2 \| 0 \| -0\.25 \| 0 \/ 1 \/ 1 \|/);
    expect(text).toContain('| odd | token\\_f1 | 0 | – | 0 | 1 |');
    expect(text).toContain('## Worse than the baseline');
    expect(text).toContain('| Question 4? | 0 | The provider answered 400. |');
    expect(text).toContain('| token\\_f1 | The judge was down. | 1 |');
  });

  test('no text breaks out of its cell', () => {
    const rows = text.split('\n').filter((line) => line.startsWith('|'));
    const bars = rows.map((line) => line.replaceAll('\\|', '').split('|').length);
    const tables = text.split('\n\n').map((part) => part.split('\n').filter((line) => line.startsWith('|')));
    for (const lines of tables)
      expect(new Set(lines.map((line) => line.replaceAll('\\|', '').split('|').length)).size).toBeLessThan(2);
    expect(bars.length).toBeGreaterThan(8);
    expect(text).not.toMatch(/(?<!\\)<c/);
  });
});
