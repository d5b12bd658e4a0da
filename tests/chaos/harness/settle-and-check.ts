import { setTimeout as sleep } from 'node:timers/promises';
import { checkInvariants } from '../../../activities/invariants/check-invariants.ts';
import { createWorkflowStates } from '../../../platform/workflow-states.ts';
import type { LoggedCall } from '../../support/fake-provider/call-log.ts';
import { compareWithProvider } from './compare-with-provider.ts';
import type { Findings } from './round-context.ts';
import type { ProxiedStack } from './proxied-stack.ts';

const patienceMs = 30_000;

/**
 * The stack may still be coming back from a hit: the invariants must hold once it has, and usage must agree with the
 * provider's whole log. Returns what then is wrong.
 */
export async function settleAndCheck(
  stack: Pick<ProxiedStack, 'database' | 'temporal'>,
  log: readonly LoggedCall[],
): Promise<Findings> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    let findings: Findings;
    try {
      const breaches = await stack.database.asOperator((em) =>
        checkInvariants({ em, temporal: createWorkflowStates(stack.temporal), graceSeconds: 0 }),
      );
      findings = breaches.map(
        (breach) => `Invariant ${breach.invariant}, ${breach.entity} ${breach.id}: ${breach.detail}`,
      );
      findings.push(...(await compareWithProvider(stack.database, log)));
    } catch (error) {
      findings = [`The check could not be done: ${error instanceof Error ? error.message : String(error)}`];
    }
    if (findings.length === 0 || Date.now() > deadline) return findings;
    await sleep(500);
  }
}
