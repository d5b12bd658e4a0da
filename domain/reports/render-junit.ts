import type { EvaluationReport, ReportCase } from './evaluation-report.ts';

/** How one test case of JUnit ended; null is passed. */
type Ending = { readonly element: 'failure' | 'error' | 'skipped'; readonly message: string } | null;

type TestCase = {
  readonly name: string;
  readonly seconds: number;
  readonly ending: Ending;
  readonly output: readonly string[];
};

/**
 * A report as JUnit XML, as CI systems read it: a suite of the gates, where a failed one is a failure and an incomplete one
 * an error, and a suite per variant, where a case that the target failed is an error and one with a missing score is
 * skipped. The scores stand in the output of each case.
 */
export function renderJunit(report: EvaluationReport): string {
  const gates = report.gates.map((gate): TestCase => {
    const variant = gate.variant === null ? '' : ` [${nameOf(report, gate.variant)}]`;
    const element = gate.state === 'failed' ? 'failure' : 'error';
    const ending: Ending = gate.state === 'passed' ? null : { element, message: gate.reason };
    return { name: `${gate.gate}${variant}`, seconds: 0, ending, output: [gate.reason] };
  });
  const suites = [
    { name: `${report.evaluation.name}: gates`, cases: gates },
    ...report.variants.map(({ index }) => ({
      name: `${report.evaluation.name}: ${nameOf(report, index)}`,
      cases: report.cases.filter(({ variant }) => variant === index).map((each) => testCaseOf(each)),
    })),
  ];
  const all = suites.flatMap(({ cases }) => cases);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>\n',
    `<testsuites name="${attribute(report.evaluation.name)}" ${countsOf(all)}>\n`,
    ...suites.map(({ name, cases }) =>
      [
        `  <testsuite name="${attribute(name)}" ${countsOf(cases)}>\n`,
        ...cases.map((each) => renderTestCase(name, each)),
        '  </testsuite>\n',
      ].join(''),
    ),
    '</testsuites>\n',
  ].join('');
}

function nameOf({ variants }: EvaluationReport, index: number): string {
  return variants.find((variant) => variant.index === index)?.name ?? `variant ${index}`;
}

function testCaseOf(each: ReportCase): TestCase {
  const missing = each.scores.filter(({ state }) => state === 'unscored');
  const repetition = each.repetition === 0 ? '' : `, repetition ${each.repetition + 1}`;
  const ending: Ending =
    each.state === 'failed'
      ? { element: 'error', message: each.error ?? 'The target failed.' }
      : each.state === 'done' && missing.length === 0
        ? null
        : {
            element: 'skipped',
            message: missing.map(({ metric, reason }) => `${metric}: ${reason ?? ''}`).join('; ') || each.state,
          };
  return {
    name: `${each.position}: ${each.question}${repetition}`,
    seconds: (each.latency_ms ?? 0) / 1000,
    ending,
    output: each.scores.map(({ metric, state, score, reason }) =>
      [`${metric}: ${state === 'scored' ? String(score) : state}`, reason].filter(Boolean).join('. '),
    ),
  };
}

function renderTestCase(suite: string, { name, seconds, ending, output }: TestCase): string {
  return [
    `    <testcase classname="${attribute(suite)}" name="${attribute(name)}" time="${seconds.toFixed(3)}">\n`,
    ending === null ? '' : `      <${ending.element} message="${attribute(ending.message)}"/>\n`,
    output.length === 0 ? '' : `      <system-out>${escape(output.join('\n'))}</system-out>\n`,
    '    </testcase>\n',
  ].join('');
}

function countsOf(cases: readonly TestCase[]): string {
  const count = (element: string) => cases.filter(({ ending }) => ending?.element === element).length;
  const seconds = cases.reduce((sum, each) => sum + each.seconds, 0);
  return (
    `tests="${cases.length}" failures="${count('failure')}" errors="${count('error')}" ` +
    `skipped="${count('skipped')}" time="${seconds.toFixed(3)}"`
  );
}

// What XML 1.0 cannot hold in any way: most control characters, halves of surrogate pairs, and two that are no characters.
const forbidden = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu;

function escape(text: string): string {
  return text.replace(forbidden, '\ufffd').replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function attribute(text: string): string {
  return escape(text)
    .replaceAll('"', '&quot;')
    .replaceAll('\n', '&#10;')
    .replaceAll('\r', '&#13;')
    .replaceAll('\t', '&#9;');
}
