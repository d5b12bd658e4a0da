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
const sampleEveryMs = 1_000;

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
      withServedDatabase(stack, { databaseUrl, vectors }, async ({ url, pids }) => {
        const client = await IngestClient.connect({ url, key: benchKey, databaseUrl, source: 'rest' });
        // What is run often is compiled by then.
        await client.ingest(planned.slice(0, warmUpDocuments).map(upload));
        const memory = watchMemory(pids.worker);
        const used = async () => [...(await readCpu(pids)).values()].reduce((sum, seconds) => sum + seconds, 0);
        await inSteps(documents, async (part, present) => {
          const before = await used();
          const seconds = await client.ingest(part.map(upload));
          const cost = (1000 * ((await used()) - before)) / countChunks(part);
          results.record(`growth.to_${present}_chunks.cpu_ms_per_chunk`, cost);
          results.record(`growth.to_${present}_chunks.chunks_per_s`, countChunks(part) / seconds);
          results.record(`growth.to_${present}_chunks.worker_mb`, memory.last());
          progress(`${present} chunks: ${cost.toFixed(2)} ms a chunk, worker ${memory.last().toFixed(0)} MB`);
        });
        await client.close();
        results.record('growth.worker_mb_per_1000_documents', memory.slope(documents.length));
      }),
    );
    await onCopy({ stack, base }, async (databaseUrl) => {
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
    });
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

/** Samples the memory of a process and its children; the slope leaves out the first tenth, in which caches fill. */
function watchMemory(pid: number) {
  const started = performance.now();
  const samples: { x: number; y: number }[] = [];
  const sample = async () => {
    const processes = await readTreeMemory(pid);
    samples.push({ x: performance.now() - started, y: processes.reduce((sum, { megabytes }) => sum + megabytes, 0) });
  };
  const timer = setInterval(() => void sample(), sampleEveryMs);
  timer.unref();
  return {
    last: () => samples.at(-1)?.y ?? 0,
    slope: (documents: number) => {
      clearInterval(timer);
      const kept = samples.slice(Math.floor(samples.length / 10));
      const elapsed = samples.at(-1)!.x;
      return slope(kept.map(({ x, y }) => ({ x: (x / elapsed) * (documents / 1000), y })));
    },
  };
}
