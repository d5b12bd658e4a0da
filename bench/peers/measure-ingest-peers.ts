import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type pg from 'pg';
import type { Stack } from '../../scripts/supervisor/stack.ts';
import { readCpuSeconds } from '../harness/cpu-time.ts';
import { progress } from '../harness/progress.ts';
import type { Results } from '../harness/results.ts';
import { asLogin, onCopy, upload } from '../ingest/base-database.ts';
import type { BaseDatabase } from '../ingest/base-database.ts';
import type { PlannedDocument } from '../ingest/plan-chunks.ts';
import { compareChunks } from './compare-chunks.ts';
import type { ChunkDifference } from './compare-chunks.ts';
import type { IngestOrder, PeerDone, PeerReady } from './ingest-order.ts';
import { PeerProcess } from './peer-process.ts';
import { fillTable, readPeerChunks, untilStored } from './stored-chunks.ts';

/** The documents that the product was given, and the database that each measurement gets a copy of. */
export interface PeerWork {
  stack: Stack;
  base: BaseDatabase;
  documents: readonly PlannedDocument[];
}

interface Peer {
  name: string;
  program: string;
  record: IngestOrder['record'];
}

/** As their guides have it: with the record of what was ingested that they offer, and without, as most begin. */
export const ingestPeers: readonly Peer[] = [
  { name: 'langchain', program: 'langchain-ingest', record: 'kept' },
  { name: 'langchain_plain', program: 'langchain-ingest', record: 'plain' },
  { name: 'llamaindex', program: 'llamaindex-ingest', record: 'kept' },
  { name: 'llamaindex_plain', program: 'llamaindex-ingest', record: 'plain' },
];

// About 200 chunks, as plain SQL has a transaction.
const documentsPerCall = 8;

/** The peers' speed on the documents that the product has just ingested at `perdure` chunks a second. */
export async function measureIngestPeers(
  results: Results,
  work: PeerWork,
  { lanes, perdure }: { lanes: number; perdure: number },
): Promise<void> {
  for (const peer of ingestPeers) {
    await onPeer(work, peer, lanes, async ({ run, database, ready, prefix }) => {
      const { pid } = work.stack.processes.postgres!;
      const before = await readCpuSeconds(pid!);
      const { done, seconds, errors } = await run();
      if (done === null) throw new Error(`${peer.name} failed: ${errors}`);
      const postgres = (await readCpuSeconds(pid!)) - before;
      requireAll(peer.name, compareChunks(ready.chunks, await readPeerChunks(database, ready.table, prefix)));
      const chunks = ready.chunks.length;
      const speed = chunks / seconds;
      results.record(`peers.${peer.name}.chunks_per_s`, speed);
      results.record(`peers.${peer.name}.ratio_to_perdure`, speed / perdure);
      results.record(`peers.${peer.name}.cpu_ms_per_chunk.postgres`, (1000 * postgres) / chunks);
      results.record(`peers.${peer.name}.cpu_ms_per_chunk.client`, (1000 * done.cpuSeconds) / chunks);
      progress(`${peer.name}: ${chunks} chunks, ${speed.toFixed(0)}/s`);
    });
  }
}

/** A peer's database, filled and indexed, and how to run its process: to its end, or killed at a share of its chunks. */
export interface PeerRun {
  database: pg.Client;
  ready: PeerReady;
  /** With what the paths of its documents begin. */
  prefix: string;
  run(killedAt?: number): Promise<{ done: PeerDone | null; seconds: number; errors: string }>;
}

/** Runs `use` with a fresh copy of the base database, in which the peer finds as many chunks as the product does. */
export function onPeer<T>(work: PeerWork, peer: Peer, lanes: number, use: (run: PeerRun) => Promise<T>): Promise<T> {
  return onCopy(work, async (databaseUrl) => {
    const file = path.join(work.stack.home, `${peer.name}.json`);
    const documents = work.documents.map(upload);
    const order: IngestOrder = { databaseUrl, documents, lanes, documentsPerCall, record: peer.record };
    await writeFile(file, JSON.stringify(order));
    const start = () => PeerProcess.start<PeerReady, PeerDone>(peer.program, [file]);
    return asLogin(work.stack, new URL(databaseUrl).pathname.slice(1), async (database) => {
      await database.query('create schema peers');
      let process: Awaited<ReturnType<typeof start>> | null = await start();
      const { ready } = process;
      await fillTable(database, ready.table);
      const prefix = `${documents[0]!.path.split('/')[0]}/`;
      return use({
        database,
        ready,
        prefix,
        async run(killedAt) {
          const current = process ?? (await start());
          process = null;
          const { duplicates, missing } = compareChunks(ready.chunks, current.ready.chunks);
          if (duplicates + missing > 0)
            throw new Error(`${peer.name} cut the same documents in another way this time.`);
          const started = performance.now();
          const working = current.work();
          if (killedAt !== undefined) {
            const ended = working.then(() =>
              Promise.reject(new Error(`${peer.name} ended early: ${current.errors()}`)),
            );
            const stored = untilStored(database, ready.table, prefix, killedAt * ready.chunks.length);
            await Promise.race([ended, stored]);
            ended.catch(() => {});
            current.kill();
          }
          const done = await working;
          return { done, seconds: (performance.now() - started) / 1000, errors: current.errors() };
        },
      });
    });
  });
}

function requireAll(name: string, { duplicates, missing }: ChunkDifference): void {
  if (duplicates + missing > 0) {
    throw new Error(`${name}, not disturbed, left ${duplicates} chunks too many and ${missing} too few.`);
  }
}
