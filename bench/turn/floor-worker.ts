import { fileURLToPath } from 'node:url';
import { Context } from '@temporalio/activity';
import { NativeConnection, Worker } from '@temporalio/worker';
import OpenAI from 'openai';

/** Task queue of the floor's worker. */
export const floorQueue = 'bench-floor';

function createFloorActivities(openai: OpenAI) {
  return {
    /** Streams one answer from the provider and returns its number of chunks. */
    async callModel(model: string): Promise<number> {
      const heartbeat = setInterval(() => Context.current().heartbeat(), 400);
      try {
        let chunks = 0;
        const stream = await openai.chat.completions.create({
          model,
          stream: true,
          stream_options: { include_usage: true },
          messages: [{ role: 'user', content: 'What lasts?' }],
        });
        for await (const _ of stream) chunks += 1;
        return chunks;
      } finally {
        clearInterval(heartbeat);
      }
    },
  };
}

export type FloorActivities = ReturnType<typeof createFloorActivities>;

/** Polls until the parent process ends; tells it once when it does. */
async function main(): Promise<void> {
  const connection = await NativeConnection.connect({ address: process.env.TEMPORAL_ADDRESS ?? 'localhost:7233' });
  const worker = await Worker.create({
    connection,
    taskQueue: floorQueue,
    workflowsPath: fileURLToPath(new URL('./floor-workflow.ts', import.meta.url)),
    activities: createFloorActivities(
      new OpenAI({ baseURL: process.env.BENCH_PROVIDER_URL ?? '', apiKey: 'bench', maxRetries: 0 }),
    ),
    workflowThreadPoolSize: 1,
    maxHeartbeatThrottleInterval: '400 milliseconds',
    defaultHeartbeatThrottleInterval: '400 milliseconds',
  });
  process.once('disconnect', () => process.exit(0));
  const running = worker.run();
  process.send?.('polling');
  await running;
}

if (process.argv[1] === import.meta.filename) await main();
