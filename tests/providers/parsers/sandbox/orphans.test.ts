import { expect, test } from '@jest/globals';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { until } from '../../../support/until.ts';

interface Found {
  pid: number;
  parent: number;
  command: string;
}

/** Every process that runs; those that are dead and only wait to be noticed are none. */
function processes(): Found[] {
  const lines = execFileSync('ps', ['-Ao', 'pid=,ppid=,stat=,args='], { encoding: 'utf8' }).trim().split('\n');
  return lines
    .map((line) => /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line)!)
    .filter(([, , , state]) => !state!.startsWith('Z'))
    .map(([, pid, parent, , command]) => ({ pid: Number(pid), parent: Number(parent), command: command! }));
}

test('R1 a worker that is killed leaves no parser process behind, not even one that loops', async () => {
  const file = fileURLToPath(new URL('orphan.ts', import.meta.url));
  const worker = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'inherit'], env: {} });
  await once(worker.stdout, 'data');
  const parsers = processes().filter(
    ({ parent, command }) => parent === worker.pid && command.includes('parser-process'),
  );
  expect(parsers).toHaveLength(2);
  worker.kill('SIGKILL');
  await once(worker, 'exit');
  const isParser = ({ pid, command }: Found) => parsers.some((one) => one.pid === pid && one.command === command);
  await until(async () => !processes().some(isParser), { what: 'the end of the parser processes' });
});
