import { TestEnvironment } from 'jest-environment-node';

/** Tells the test file, by a global, that one of its tests failed, so that its database can be kept for a look. */
// oxlint-disable-next-line import/no-default-export -- jest wants its environments so
export default class FailureAwareEnvironment extends TestEnvironment {
  /** @param {{ name: string }} event */
  handleTestEvent(event) {
    if (event.name === 'test_fn_failure' || event.name === 'hook_failure') this.global.perdureTestFailed = true;
  }
}
