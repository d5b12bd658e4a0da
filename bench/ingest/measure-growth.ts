import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { withBenchStack } from '../harness/bench-stack.ts';
import { readCpuSeconds } from '../harness/cpu-time.ts';
import { describeMachine } from '../harness/describe-machine.ts';
import { progress } from '../harness/progress.ts';
import type { Results } from '../harness/results.ts';
import { slope } from '../harness/statistics.ts';
import { readTreeMemory } from '../start/process-memory.ts';
import { benchKey, makeBase, onCopy, planDocuments, upload } from './base-database.ts';
import { IngestClient } from './ingest-client.ts';
import { growthCharacters, growthSteps, warmUpDocuments } from './ingest-sizes.ts';
import { RawLoader } from './load-raw.ts';
import { countChunks, readCpu } from './measure-free.ts';
import type { PlannedDocument } from './plan-chunks.ts';
import { plotGrowth } from './plot-growth.ts';
import { withServedDatabase } from './served-database.ts';
import { writeVectors } from './vector-file.ts';

// As many as the worker was seen to use.
const rawConnections = 13;

/** From an empty database on: what a chunk costs at each size, beside plain SQL, and the worker's memory meanwhile; drawn into the file `plot`. */
export async function measureGrowth(results: Results, { plot }: { plot: string | null }): Promise<void> {
  const machine = describeMachine();
  await withBenchStack({ processes: ['postgres', 'temporal'] }, async (stack) => {
    const planned = planDocuments(stack, {
      name: 'growth',
      count: warmUpDocuments + growthSteps.at(-1)!,
      characters: growthCharacters,
    });
    const documents = planned.slice(warmUpDocuments);
    const vectors = path.join(stack.home, 'vectors');
    await writeVectors(
      vectors,
      planned.flatMap((document) => document.chunks),
    );
    const base = await makeBase(stack, 'growth', 10);
    await onCopy({ stack, base }, (databaseUrl) =>
      withServedDatabase(stack, { databaseUrl, vectors }, async ({ url, pids, liveMegabytes }) => {
        const client = await IngestClient.connect({ url, key: benchKey, databaseUrl, source: 'rest' });
        // What is run often is compiled by then.
        await client.ingest(planned.slice(0, warmUpDocuments).map(upload));
        const live: { x: number; y: number }[] = [];
        let done = 0;
        const spent = async () => sum([...(await readCpu(pids)).values()]);
        await inSteps(documents, async (part, present) => {
          const before = await spent();
          const seconds = await client.ingest(part.map(upload));
          const cost = (1000 * ((await spent()) - before)) / countChunks(part);
          results.record(`growth.to_${present}_chunks.cpu_ms_per_chunk`, cost);
          results.record(`growth.to_${present}_chunks.chunks_per_s`, countChunks(part) / seconds);
          const used = await liveMegabytes();
          const whole = sum((await readTreeMemory(pids.worker)).map(({ megabytes }) => megabytes));
          done += part.length;
          live.push({ x: done / 1000, y: used });
          results.record(`growth.to_${present}_chunks.worker_mb`, whole);
          results.record(`growth.to_${present}_chunks.worker_live_mb`, used);
          progress(
            `${present} chunks: ${cost.toFixed(2)} ms a chunk, worker ${whole.toFixed(0)} MB, ` +
              `${used.toFixed(0)} of it live JavaScript`,
          );
        });
        await client.close();
        results.record('growth.live_mb_per_1000_documents', slope(live));
      }),
    );
    const loadRaw = async (databaseUrl: string) => {
      const loader = await RawLoader.connect(databaseUrl, rawConnections, base.corpus);
      const pid = stack.processes.postgres!.pid!;
      await inSteps(documents, async (part, present) => {
        const before = await readCpuSeconds(pid);
        await loader.load('copy', part);
        const cost = (1000 * ((await readCpuSeconds(pid)) - before)) / countChunks(part);
        results.record(`growth.to_${present}_chunks.raw_cpu_ms_per_chunk`, cost);
        progress(`${present} chunks by COPY: ${cost.toFixed(2)} ms a chunk`);
      });
      await loader.close();
    };
    await onCopy({ stack, base }, loadRaw, 'raw');
  });
  if (plot !== null) await writeFile(plot, plotGrowth(results.metrics(), machine));
}

async function inSteps(
  documents: readonly PlannedDocument[],
  step: (part: readonly PlannedDocument[], present: number) => Promise<void>,
): Promise<void> {
  let from = 0;
  for (const to of growthSteps) {
    await step(documents.slice(from, to), countChunks(documents.slice(0, to)));
    from = to;
  }
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
