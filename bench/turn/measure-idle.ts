import type { Stack } from '../../scripts/supervisor/stack.ts';
import { progress } from '../harness/progress.ts';
import type { Results } from '../harness/results.ts';
import { readTreeMemory } from '../start/process-memory.ts';
import type { TurnClient } from './turn-client.ts';

const conversations = 5_000;
const callers = 20;

/** Has one turn in each of 5,000 conversations and records what the processes hold when all are idle. */
export async function measureIdle(
  results: Results,
  { stack, client, agent }: { stack: Stack; client: TurnClient; agent: string },
): Promise<void> {
  progress(`${conversations} idle conversations`);
  const before = await memoryOf(stack);
  let left = conversations;
  await Promise.all(
    Array.from({ length: callers }, async () => {
      while (left > 0) {
        left -= 1;
        await client.ask(await client.createConversation(agent));
        if (left % 1000 === 0) progress(`${left} to go`);
      }
    }),
  );
  const after = await memoryOf(stack);
  for (const [part, megabytes] of Object.entries(after)) {
    results.record(`idle_5000.${part}_mb`, megabytes);
    results.record(`idle_5000.${part}_grown_mb`, megabytes - (before[part] ?? 0));
  }
}

async function memoryOf(stack: Stack): Promise<Record<string, number>> {
  const memory: Record<string, number> = {};
  for (const [name, { pid }] of Object.entries(stack.processes))
    if (pid !== null) memory[name] = (await readTreeMemory(pid)).reduce((sum, { megabytes }) => sum + megabytes, 0);
  return memory;
}
