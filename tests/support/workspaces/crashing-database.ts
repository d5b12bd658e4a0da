import { Context } from '@temporalio/activity';
import type { Database } from '../../../platform/database.ts';

/** A moment in an activity: around its nth transaction, counted from 1. */
export type CrashMoment = {
  activity: string;
  /** The activity's argument. */
  input: { turnId?: string; callId?: string };
  transaction: number;
  when: 'before' | 'after';
};

/**
 * A database by which activities die: where `dies` says so, the transaction is left out or its result is lost, and nothing
 * that the same run of the activity does afterwards reaches the database. Temporal then runs the activity again.
 */
export function crashingDatabase(database: Database, dies: (moment: CrashMoment) => boolean): Database {
  const transactions = new Map<string, number>();
  const dead = new Set<string>();

  async function guarded<T>(work: () => Promise<T>): Promise<T> {
    const { info } = Context.current();
    const run = info.base64TaskToken;
    const transaction = (transactions.get(run) ?? 0) + 1;
    transactions.set(run, transaction);
    const moment = { activity: info.activityType, input: inputs.get(run) ?? {}, transaction };
    const check = (when: CrashMoment['when']): void => {
      if (dead.has(run) || dies({ ...moment, when })) {
        dead.add(run);
        throw new Error(`The worker died ${when} transaction ${transaction} of ${info.activityType}`);
      }
    };
    check('before');
    const result = await work();
    check('after');
    return result;
  }

  return { ...database, inWorkspace: (workspaceId, work) => guarded(() => database.inWorkspace(workspaceId, work)) };
}

const inputs = new Map<string, CrashMoment['input']>();

/** Lets `crashingDatabase` see the arguments of activities: wrap them with this. */
export function noteInputs<T extends Record<string, (...args: never[]) => Promise<unknown>>>(activities: T): T {
  return Object.fromEntries(
    Object.entries(activities).map(([name, activity]) => [
      name,
      (...args: never[]) => {
        inputs.set(Context.current().info.base64TaskToken, (args as unknown as [CrashMoment['input']])[0]);
        return activity(...args);
      },
    ]),
  ) as T;
}
