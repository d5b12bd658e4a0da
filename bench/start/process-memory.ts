import { readFile } from 'node:fs/promises';
import { listProcessTree } from '../harness/process-tree.ts';

/** A process of a tree with its proportional share of memory: pages that several processes map count once in all. */
export interface ProcessMemory {
  pid: number;
  command: string;
  megabytes: number;
}

/** Memory of a process and of all its descendants (Linux: `Pss` of smaps_rollup). */
export async function readTreeMemory(root: number): Promise<ProcessMemory[]> {
  const found = await Promise.all((await listProcessTree(root)).map(readMemory));
  return found.filter((memory) => memory !== null);
}

async function readMemory(pid: number): Promise<ProcessMemory | null> {
  try {
    const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8');
    const command = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ').trim();
    return { pid, command, megabytes: Number(/^Pss:\s+(\d+) kB/m.exec(rollup)?.[1] ?? 0) / 1024 };
  } catch {
    // It ended while it was looked at.
    return null;
  }
}
