import type { Breach, Check, CheckContext } from './breach.ts';
import { checkDocuments } from './check-documents.ts';
import { checkEvaluations, checkRuns } from './check-evaluations.ts';
import { checkGenerations } from './check-generations.ts';
import { checkLeftOvers } from './check-left-overs.ts';
import { checkLexicon } from './check-lexicon.ts';
import { checkSearch } from './check-search.ts';
import { checkStatus } from './check-status.ts';
import { checkToolCalls } from './check-tool-calls.ts';
import { checkTurns } from './check-turns.ts';
import { checkUsage } from './check-usage.ts';
import { checkUsageTotals } from './check-usage-totals.ts';

/** The invariants that can be checked, each with its number. */
export const invariants: ReadonlyArray<{ number: number; name: string; check: Check }> = [
  { number: 1, name: 'documents are in a terminal state or owned by a running workflow', check: checkDocuments },
  { number: 2, name: 'active generations are whole, and nothing is left of others', check: checkParts },
  { number: 3, name: 'search finds active generations only', check: checkSearch },
  { number: 4, name: 'every user message has one answer or a stated reason', check: checkTurns },
  { number: 5, name: 'calls of tools are run with their approval, and none is left open', check: checkToolCalls },
  { number: 6, name: 'every paid call has its usage row', check: checkUsage },
  {
    number: 7,
    name: 'evaluations have the verdict of their scores, and pay for nothing twice',
    check: checkEvaluations,
  },
  { number: 8, name: 'status columns agree with Temporal', check: checkStates },
  { number: 9, name: 'full text search counts what active generations hold', check: checkLexicon },
  { number: 10, name: 'usage is summed up as its rows say', check: checkUsageTotals },
];

/** Chunks with their vectors, and what is kept beside them. */
async function checkParts(context: CheckContext): Promise<Breach[]> {
  return [...(await checkGenerations(context)), ...(await checkLeftOvers(context))];
}

/** Documents, turns, syncs and moves, and runs of evaluations. */
async function checkStates(context: CheckContext): Promise<Breach[]> {
  return [...(await checkStatus(context)), ...(await checkRuns(context))];
}

/** Runs every check and returns all breaches. */
export async function checkInvariants(context: CheckContext): Promise<Breach[]> {
  const breaches: Breach[] = [];
  for (const { check } of invariants) breaches.push(...(await check(context)));
  return breaches;
}
