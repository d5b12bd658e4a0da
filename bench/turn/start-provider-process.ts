import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../../tests/support/fake-provider/main.ts', import.meta.url));

/** Runs the fake provider beside the bench, so that neither it nor the bare client wins by sharing a process. */
export async function startProviderProcess(): Promise<{ url: string; pid: number; stop(): void }> {
  const child = spawn(process.execPath, [main], { stdio: ['ignore', 'pipe', 'inherit'] });
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.once('data', (data: Buffer) => resolve((JSON.parse(data.toString()) as { url: string }).url));
    child.once('exit', (code) => reject(new Error(`The provider ended with ${code}.`)));
  });
  return { url, pid: child.pid!, stop: () => void child.kill('SIGTERM') };
}
