import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { Stack } from '../../scripts/supervisor/stack.ts';
import { checkout } from '../../scripts/setup/installation.mjs';
import { progress } from '../harness/progress.ts';
import type { Results } from '../harness/results.ts';
import type { TurnClient } from './turn-client.ts';

const kills = 3;
const mostTurns = 20;

/**
 * Kills the worker that streams an answer and records the seconds to the first text of the next attempt: with no other
 * worker (`killed_worker.resume_s`: it must be started anew), and with another that runs (`killed_of_two.resume_s`).
 */
export async function measureKills(
  results: Results,
  { stack, client, conversation }: { stack: Stack; client: TurnClient; conversation: string },
): Promise<void> {
  const worker = stack.processes.worker;
  if (!worker) throw new Error('The stack has no worker.');
  progress('worker killed in mid-stream');
  for (let kill = 0; kill < kills; kill += 1) {
    const seconds = await client.askThrough(conversation, () => worker.kill('SIGKILL'));
    if (seconds === null) throw new Error('The turn was over before its worker was killed.');
    results.record('killed_worker.resume_s', seconds);
    await worker.untilReady();
  }
  progress('one of two workers killed in mid-stream');
  let second = await startWorker(stack);
  try {
    let met = 0;
    for (let turn = 0; met < kills; turn += 1) {
      if (turn === mostTurns)
        throw new Error(`Only ${met} of ${mostTurns} turns were with the worker that was killed.`);
      // The one that has run for longer is the quicker one, and mostly has the turn; if not, the turn goes on.
      const isSecond = turn % 2 === 1;
      const seconds = await client.askThrough(conversation, () => (isSecond ? second : worker).kill('SIGKILL'));
      if (seconds !== null) {
        results.record('killed_of_two.resume_s', seconds);
        met += 1;
      }
      if (isSecond) second = await startWorker(stack);
      else await worker.untilReady();
    }
  } finally {
    second.kill('SIGKILL');
  }
}

/** A worker beside the one of the stack; ready when it polls. */
async function startWorker(stack: Stack): Promise<ChildProcess> {
  const child = fork(path.join(checkout, 'worker.ts'), [], {
    env: { ...stack.env, PERDURE_METRICS_PORT: '0' },
    execArgv: [],
    stdio: ['ignore', 'pipe', 'ignore', 'ipc'],
  });
  const ended = once(child, 'exit').then(([code]) =>
    Promise.reject(new Error(`The second worker ended with ${code}.`)),
  );
  const polls = new Promise<void>((resolve) => {
    child.stdout!.setEncoding('utf8').on('data', (text: string) => text.includes('worker is polling') && resolve());
  });
  await Promise.race([polls, ended]);
  ended.catch(() => {});
  return child;
}
