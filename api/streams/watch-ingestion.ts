import type { EntityManager } from '@mikro-orm/postgresql';
import { documentSchema } from '../../contracts/document.ts';
import { ingestionJobSchema } from '../../contracts/ingestion-job.ts';
import { documentsChannel } from '../../contracts/names/limits.ts';
import { findDocument } from '../../entities/documents/document-repository.ts';
import { findIngestionJob } from '../../entities/documents/ingestion-job-repository.ts';
import type { ApiDeps } from '../api-deps.ts';
import { presentDocument } from '../documents/present-document.ts';
import { presentIngestionJob } from '../ingestion-jobs/present-ingestion-job.ts';
import { findUser } from '../../entities/tenancy/user-repository.ts';
import type { EventStream, ServerSentEvent } from './event-stream.ts';
import { JobFeed } from './job-feed.ts';
import { createWakeUp } from './wake-up.ts';

/** A user who was never seen owns nothing; this id belongs to no row. */
const nobody = '00000000-0000-0000-0000-000000000000';
/** A safety net under the notifications: a lost one costs at most this long. */
const pollMs = 2_000;
/** Changes closer together than this are shown as one. */
const leastIntervalMs = 100;

/** A stream, and the row that it follows. */
export type Watched = { deps: ApiDeps; stream: EventStream; workspaceId: string; id: string };
/** The whole state, and what is to be told before it. */
type Snapshot = { data: Record<string, unknown>; final: boolean; before?: ServerSentEvent[] } | null;

/** Sends a document at each change until its newest generation has ended, or the document is deleted. */
export function watchDocument(watched: Watched): Promise<void> {
  return watch(watched, { channel: documentsChannel, rowId: watched.id }, async (em) => {
    const row = await findDocument(em, watched.id);
    if (!row) return null;
    const data = documentSchema.parse(presentDocument(row));
    return { data, final: data.latest === null || !['staging', 'ready'].includes(data.latest.state) };
  });
}

/**
 * Sends a job and its documents at each change until all its documents have ended. `user` is the external id of an end
 * user who may see their own and global documents alone.
 */
export async function watchIngestionJob(
  watched: Watched & { user: string | null; lastEventId: string | null },
): Promise<void> {
  const { deps, workspaceId, id: jobId, user, lastEventId } = watched;
  const visibleTo =
    user === null
      ? null
      : await deps.database.inWorkspace(workspaceId, (em) => findUser(em, user)).then((row) => row ?? nobody);
  const feed = new JobFeed({ jobId, visibleTo, lastEventId });
  return watch(watched, { channel: documentsChannel, rowId: null }, async (em) => {
    const row = await findIngestionJob(em, jobId);
    if (!row) return null;
    const data = ingestionJobSchema.parse(presentIngestionJob(row));
    const final = !['queued', 'processing'].includes(data.status);
    return { data, final, before: await feed.changes(em, { all: final }) };
  });
}

/**
 * Sends what `read` gives at each change until it is final or gone; woken by what `channel` says of `rowId` (null: of any
 * row), and at the latest every two seconds.
 */
export async function watch(
  { deps, stream, workspaceId, id }: Watched,
  { channel, rowId }: { channel: string; rowId: string | null },
  read: (em: EntityManager) => Promise<Snapshot>,
): Promise<void> {
  const wakeUp = createWakeUp(stream.closed);
  const unsubscribe = deps.notifications.subscribe(channel, (payload) => {
    if (payload === null || rowId === null || payload === rowId) wakeUp.wake();
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
      const { data, final, before = [] } = snapshot;
      if (final) return await stream.send([...before, { event: 'done', data }]);
      const text = JSON.stringify(data);
      await stream.send([...before, ...(text === shown ? [] : [{ event: 'progress', data }])]);
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
