import { readFile } from 'node:fs/promises';
import { listProcessTree } from './process-tree.ts';

// USER_HZ, in which Linux gives these times to every program.
const ticksPerSecond = 100;

/** Seconds of processor time that a process and its descendants have used, those that have ended included. */
export async function readCpuSeconds(root: number): Promise<number> {
  let ticks = 0;
  for (const pid of await listProcessTree(root)) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
    if (stat === null) continue;
    // utime, stime, cutime, cstime: fields 14 to 17, behind the name in brackets, which may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    ticks += fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  }
  return ticks / ticksPerSecond;
}
