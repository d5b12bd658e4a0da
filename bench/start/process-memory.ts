import { readdir, readFile } from 'node:fs/promises';

/** A process of a tree with its proportional share of memory: pages that several processes map count once in all. */
export interface ProcessMemory {
  pid: number;
  command: string;
  megabytes: number;
}

/** Memory of a process and of all its descendants (Linux: `Pss` of smaps_rollup). */
export async function readTreeMemory(root: number): Promise<ProcessMemory[]> {
  const children = new Map<number, number[]>();
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const parent = await readParent(entry);
    if (parent !== null) children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
  }
  const tree = [root];
  for (const pid of tree) tree.push(...(children.get(pid) ?? []));
  const found = await Promise.all(tree.map(readMemory));
  return found.filter((memory) => memory !== null);
}

async function readParent(pid: string): Promise<number | null> {
  const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  // The name, in brackets, may hold anything.
  return status === null ? null : Number(status.slice(status.lastIndexOf(')') + 2).split(' ')[1]);
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
