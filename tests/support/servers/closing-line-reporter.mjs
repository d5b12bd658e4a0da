/** Tells `npm test` the line that closes its output. A file that could not run counts as one failure. */
// oxlint-disable-next-line import/no-default-export -- jest wants its reporters so
export default class ClosingLineReporter {
  /** @param {Set<unknown>} _contexts @param {{ numPassedTests: number, numFailedTests: number, numRuntimeErrorTestSuites: number }} results */
  onRunComplete(_contexts, results) {
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    process.send?.({ closingLine: `${results.numPassedTests} passed, ${failed} failed` });
  }
}
