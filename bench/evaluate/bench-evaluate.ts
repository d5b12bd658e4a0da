import { readFile } from 'node:fs/promises';
import path from 'node:path';
import OpenAI from 'openai';
import { withBenchStack } from '../harness/bench-stack.ts';
import { readCpuSeconds } from '../harness/cpu-time.ts';
import { progress } from '../harness/progress.ts';
import type { Results } from '../harness/results.ts';
import { startProviderProcess } from '../turn/start-provider-process.ts';
import { TurnClient } from '../turn/turn-client.ts';
import { EvaluationClient, questionOf } from './evaluation-client.ts';
import { measureBeside } from './measure-beside.ts';

const lanes = 8;
const rounds = 3;
const casesARound = 1000;
const sizes = [100, 1000, 10_000] as const;
/** Twenty tokens at once: what is left is the product's own work. */
const instantModel = 'fake?tokens=20';
/** First token after 20 ms, then ten a little apart: a turn of somebody who chats while a run is under way. */
const chatModel = 'fake?firstTokenMs=20&tokenMs=5&tokens=10';

/**
 * Runs of evaluations with a model that answers at once, over the API, against a loop that makes the same calls with as many
 * at once and nothing around them; what a case costs in runs of 100 to 10,000; and how long a turn beside such a run waits.
 */
export async function benchEvaluate(results: Results): Promise<void> {
  await withBenchStack({ processes: ['postgres', 'temporal', 'api', 'worker'] }, async (stack) => {
    const provider = await startProviderProcess();
    try {
      const key = (await readFile(path.join(stack.home, 'api-key'), 'utf8')).trim();
      const client = new EvaluationClient(String(stack.urls.api), key);
      const openai = new OpenAI({ baseURL: provider.url, apiKey: 'bench', maxRetries: 0 });
      await client.createTarget(instantModel, provider.url);
      for (const size of sizes) await client.createDataset(`${size} cases`, size);
      await client.run('100 cases', lanes);
      await bareSeconds(openai, 100);
      for (let round = 1; round <= rounds; round += 1) {
        progress(`round ${round} of ${rounds}`);
        const bare = casesARound / (await bareSeconds(openai, casesARound));
        const own = casesARound / (await client.run(`${casesARound} cases`, lanes));
        results.record('cases_per_s', own);
        results.record('bare_calls_per_s', bare);
        results.record('ratio_to_bare', own / bare);
      }
      const cost = new Map<number, number>();
      for (const size of sizes) {
        progress(`${size} cases`);
        const repeats = size === 100 ? 5 : 1;
        const before = await ownCpuSeconds(provider.pid);
        let seconds = 0;
        for (let repeat = 0; repeat < repeats; repeat += 1) seconds += await client.run(`${size} cases`, lanes);
        const cases = size * repeats;
        const perCase = (1000 * ((await ownCpuSeconds(provider.pid)) - before)) / cases;
        cost.set(size, perCase);
        results.record(`cpu_ms_per_case.at${size}`, perCase);
        results.record(`ms_per_case.at${size}`, (1000 * seconds) / cases);
      }
      results.record('cost_growth_100_to_10000', cost.get(10_000)! / cost.get(100)!);
      progress('turns beside a run');
      const turns = new TurnClient(String(stack.urls.api), key);
      const agent = await turns.createAgent('beside', chatModel, provider.url);
      await measureBeside(results, { client: turns, agent, run: () => client.run('10000 cases', lanes) });
      results.note(
        `${lanes} lanes and as many bare calls at once; two metrics a case. The times of runs count from the request to the ` +
          'verdict. Processor time is that of all processes but the provider’s. The bare loop calls with the OpenAI SDK as it is; the product ' +
          'streams the same calls over its own transport. Turns beside a run are asked one after the other.',
      );
    } finally {
      provider.stop();
    }
  });
}

/** Seconds for so many streamed calls with `lanes` of them at once. */
async function bareSeconds(openai: OpenAI, calls: number): Promise<number> {
  const began = performance.now();
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < calls) {
      const content = questionOf(next++);
      const stream = await openai.chat.completions.create({
        model: instantModel,
        stream: true,
        stream_options: { include_usage: true },
        messages: [{ role: 'user', content }],
      });
      let answer = '';
      for await (const chunk of stream) answer += chunk.choices[0]?.delta.content ?? '';
      if (answer === '') throw new Error('The provider answered nothing.');
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return (performance.now() - began) / 1000;
}

async function ownCpuSeconds(provider: number): Promise<number> {
  return (await readCpuSeconds(process.pid)) - (await readCpuSeconds(provider));
}
