import { percentile } from '../harness/statistics.ts';
import type { Results } from '../harness/results.ts';
import type { TurnClient } from '../turn/turn-client.ts';

const turnsAlone = 20;
// More than a run takes even where nothing else is under way.
const mostTurns = 200;

/**
 * Records how long somebody who chats waits for the first token, alone and while `run` is under way: turn after turn in one
 * conversation of a model whose first token comes after 20 ms.
 */
export async function measureBeside(
  results: Results,
  { client, agent, run }: { client: TurnClient; agent: string; run: () => Promise<unknown> },
): Promise<void> {
  const conversation = await client.createConversation(agent);
  const ask = async (): Promise<number> => (await client.ask(conversation)).firstTokenMs;
  for (let turn = 0; turn < 3; turn += 1) await ask();
  const alone: number[] = [];
  for (let turn = 0; turn < turnsAlone; turn += 1) alone.push(await ask());
  let isOver = false;
  const running = run().finally(() => (isOver = true));
  const beside: number[] = [];
  while (!isOver && beside.length < mostTurns) {
    const firstTokenMs = await ask();
    if (!isOver) beside.push(firstTokenMs);
  }
  await running;
  for (const [place, values] of [
    ['alone', alone],
    ['beside', beside],
  ] as const) {
    results.record(`${place}.first_token_ms.p50`, percentile(values, 0.5));
    results.record(`${place}.first_token_ms.p95`, percentile(values, 0.95));
  }
}
