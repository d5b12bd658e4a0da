import { heldTestStack } from './held-test-stack.mjs';

/** Stops what `start-servers.mjs` started. */
// oxlint-disable-next-line import/no-default-export -- jest wants its tear-down so
export default async function stopServers() {
  await heldTestStack.stack?.stop();
}
