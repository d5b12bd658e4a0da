import { spawnSync } from 'node:child_process';

let prefix: readonly string[] | undefined;

/**
 * The words before a command that take its network away in the kernel (util-linux's `unshare`): a namespace without any
 * interface. Empty where the system has none, refuses it, or could not read `neededFile` from there.
 */
export function isolateCommand(neededFile: string): readonly string[] {
  prefix ??= find(neededFile);
  return prefix;
}

function find(neededFile: string): readonly string[] {
  if (process.platform !== 'linux') return [];
  const words = ['unshare', '--user', '--net', '--'];
  const { status } = spawnSync(words[0]!, [...words.slice(1), 'test', '-r', neededFile], { stdio: 'ignore' });
  return status === 0 ? words : [];
}
