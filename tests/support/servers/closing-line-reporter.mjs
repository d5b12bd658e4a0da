/** Ends a run with one line that scripts can read: `N passed, N failed`. A file that could not run counts as a failure. */
// oxlint-disable-next-line import/no-default-export -- jest wants its reporters so
export default class ClosingLineReporter {
  /** @param {Set<unknown>} _contexts @param {{ numPassedTests: number, numFailedTests: number, numRuntimeErrorTestSuites: number }} results */
  onRunComplete(_contexts, results) {
    this.line = `${results.numPassedTests} passed, ${results.numFailedTests + results.numRuntimeErrorTestSuites} failed`;
    // After the summary of the default reporter, which is written later in the same turn.
    process.once('exit', () => console.log(this.line));
  }
}
