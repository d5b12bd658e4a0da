import type { EntityManager } from '@mikro-orm/postgresql';
import { documentSchema } from '../../contracts/document.ts';
import { ingestionJobSchema } from '../../contracts/ingestion-job.ts';
import { documentsChannel } from '../../contracts/names/limits.ts';
import { findDocument } from '../../entities/documents/document-repository.ts';
import { findIngestionJob } from '../../entities/documents/ingestion-job-repository.ts';
import type { ApiDeps } from '../api-deps.ts';
import { presentDocument } from '../documents/present-document.ts';
import { presentIngestionJob } from '../ingestion-jobs/present-ingestion-job.ts';
import type { EventStream } from './event-stream.ts';
import { createWakeUp } from './wake-up.ts';

/** A safety net under the notifications: a lost one costs at most this long. */
const pollMs = 2_000;
/** Changes closer together than this are shown as one. */
const leastIntervalMs = 100;

type Watched = { deps: ApiDeps; stream: EventStream; workspaceId: string; id: string };
type Snapshot = { data: Record<string, unknown>; final: boolean } | null;

/** Sends a document at each change until its newest generation has ended, or the document is deleted. */
export function watchDocument(watched: Watched): Promise<void> {
  return watch(watched, watched.id, async (em) => {
    const row = await findDocument(em, watched.id);
    if (!row) return null;
    const data = documentSchema.parse(presentDocument(row));
    return { data, final: data.latest === null || !['staging', 'ready'].includes(data.latest.state) };
  });
}

/** Sends a job at each change until all its documents have ended. */
export function watchIngestionJob(watched: Watched): Promise<void> {
  return watch(watched, null, async (em) => {
    const row = await findIngestionJob(em, watched.id);
    if (!row) return null;
    const data = ingestionJobSchema.parse(presentIngestionJob(row));
    return { data, final: !['queued', 'processing'].includes(data.status) };
  });
}

async function watch(
  { deps, stream, workspaceId, id }: Watched,
  documentId: string | null,
  read: (em: EntityManager) => Promise<Snapshot>,
): Promise<void> {
  const wakeUp = createWakeUp(stream.closed);
  const unsubscribe = deps.notifications.subscribe(documentsChannel, (payload) => {
    if (payload === null || documentId === null || payload === documentId) wakeUp.wake();
  });
  let shown = '';
  try {
    while (!stream.closed.aborted) {
      const snapshot = await readCalmly(deps, () => deps.database.inWorkspace(workspaceId, read));
      if (snapshot === undefined) {
        await wakeUp.wait(pollMs);
        continue;
      }
      if (snapshot === null) return await stream.send([{ event: 'deleted', data: { id } }]);
      if (snapshot.final) return await stream.send([{ event: 'done', data: snapshot.data }]);
      const text = JSON.stringify(snapshot.data);
      if (text !== shown) await stream.send([{ event: 'progress', data: snapshot.data }]);
      shown = text;
      await wakeUp.pause(leastIntervalMs);
      await wakeUp.wait(pollMs);
    }
  } finally {
    unsubscribe();
  }
}

/** A stream outlives a restart of the database: undefined means that it could not be asked this time. */
async function readCalmly(deps: ApiDeps, read: () => Promise<Snapshot>): Promise<Snapshot | undefined> {
  try {
    return await read();
  } catch (error) {
    deps.log.warn({ err: error }, 'a stream waits for the database');
    return undefined;
  }
}
