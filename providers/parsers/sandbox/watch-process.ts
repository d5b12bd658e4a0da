import { workerData } from 'node:worker_threads';
import { memorySignal } from './parser-messages.ts';

// Runs in a thread of the parser process, so that a parser which never returns is watched all the same.
const { memoryBytes } = workerData as { memoryBytes: number };
const parent = process.ppid;

setInterval(() => {
  // The worker is dead, even if it had no time to say so: nobody waits for this parse any more.
  if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL');
  if (process.memoryUsage.rss() > memoryBytes) process.kill(process.pid, memorySignal);
}, 50);
