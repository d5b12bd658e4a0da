import type { BatchedDocument, IngestBatchInput } from '../../contracts/names/workflows.ts';
import { readStagingGenerations } from '../../entities/documents/generation-owner-repository.ts';
import type { Publication } from '../../entities/documents/publish-generation.ts';
import { beginGroup, groupMember, type BegunMember, type GroupMember } from './begin-group.ts';
import { embedBatch } from './embed-with-model.ts';
import { isFree } from './embedding-lane.ts';
import { finishSmall } from './finish-small.ts';
import { gather } from './gather.ts';
import type { IngestionDeps } from './ingestion-deps.ts';
import { generationFenced, isFenced } from './ingestion-failure.ts';
import { prepare, storeDocument } from './prepare-document.ts';
import type { PreparationOrder } from './prepare-document.ts';
import type { PreparedDocument } from './prepared-document.ts';
import { publishGroup, type EmbeddedMember } from './publish-group.ts';
import { readDocument } from './read-document.ts';
import { runBatchStep, type OwnedStep, type Step } from './run-step.ts';
import { stopWhenFenced } from './stop-when-fenced.ts';
import { takeOverSmall } from './take-over-small.ts';

/**
 * What became of a batch: how many documents are active, with how many chunks, and how many had ended otherwise; those that
 * are left; and those of the active ones that may have replaced others.
 */
export type IngestedBatch = {
  active: number;
  chunks: number;
  gone: number;
  left: BatchedDocument[];
  superseded: BatchedDocument[];
};

type BatchOrder = Required<Omit<PreparationOrder, 'finishSmall'>>;

// Read one after the other, stored in one transaction and published in another.
const documentsPerGroup = 8;

/**
 * Ingests small documents: reads them group by group, and while the vectors of one group are waited for, the next. What
 * does not end well here, for whatever reason, is left: a workflow of its own tries it again, or says why it failed. So
 * does all that a crash or a shutdown has cut off, for a second attempt only looks what the first has left.
 */
export function createIngestSmall(
  deps: IngestionDeps,
): (input: IngestBatchInput, order: BatchOrder) => Promise<IngestedBatch> {
  return async function ingestSmall(input, order) {
    return runBatchStep(async ({ runId, ...step }) => {
      if (step.attempt > 1) return lookForRest(deps, input);
      const { workspaceId, documents } = input;
      const steps = documents.map((document) => ({ ...step, run: { workspaceId, ...document, runId } }));
      const ended: IngestedBatch = { active: 0, chunks: 0, gone: 0, left: [], superseded: [] };
      const publish = gather(documentsPerGroup, (members: readonly EmbeddedMember[]) => publishGroup(deps, members));
      await ingestAll({ deps, order, ended, publish }, steps);
      step.signal.throwIfAborted();
      return ended;
    });
  };
}

async function lookForRest(deps: IngestionDeps, { workspaceId, documents }: IngestBatchInput): Promise<IngestedBatch> {
  const staging = await deps.database.inWorkspace(workspaceId, (em) =>
    readStagingGenerations(em, workspaceId, documents),
  );
  const left = staging.map(({ documentId, generation }) => ({ documentId, generation }));
  const isLeft = new Set(left.map(({ documentId }) => documentId));
  // The first attempt may have died after it had published them, and nobody else knows what they replaced.
  const superseded = documents.filter(({ documentId, generation }) => generation > 1 && !isLeft.has(documentId));
  return { active: 0, chunks: 0, gone: documents.length - left.length, left, superseded };
}

/** What became of the documents of one batch so far, and who publishes those that are ready. */
type Batch = {
  deps: IngestionDeps;
  order: BatchOrder;
  ended: IngestedBatch;
  publish(member: EmbeddedMember): Promise<Publication>;
};

async function ingestAll(batch: Batch, steps: readonly OwnedStep[]): Promise<void> {
  const { deps, order } = batch;
  const taken = await takeOverSmall(deps, steps, order);
  const finishing: Promise<void>[] = [];
  for (let from = 0; from < steps.length; from += documentsPerGroup) {
    const members: GroupMember[] = [];
    const reading = steps.slice(from, from + documentsPerGroup).map((step) =>
      settle(batch, step, async () => {
        const found = taken.get(step.run.documentId);
        // It has ended, or another run had it before.
        if (!found) return prepare(deps, step, { ...order, finishSmall: true });
        const read = await readDocument(deps, found, step.signal);
        const member = groupMember(deps, step, read);
        if (member === null) return storeDocument(deps, step, read, { finishSmall: true });
        members.push(member);
        return 'member';
      }),
    );
    await Promise.all(reading);
    for (const group of Map.groupBy(members, ({ read }) => read.source).values())
      finishing.push(...(await ingestGroup(batch, group)));
  }
  await Promise.all(finishing);
}

/** Stores the chunks of a group, and has the rest of each document done, for which the caller need not wait. */
async function ingestGroup(batch: Batch, group: readonly GroupMember[]): Promise<Promise<void>[]> {
  const { deps } = batch;
  let failure: unknown = generationFenced();
  const begun = await beginGroup(deps, group).catch((error: unknown) => {
    failure = error;
    return [];
  });
  const byDocument = new Map(begun.map((member) => [member.step.run.documentId, member]));
  return group.map(({ step }) =>
    settle(batch, step, async () => {
      deps.notifyDocument(step.run.documentId);
      const member = byDocument.get(step.run.documentId);
      if (!member) throw failure;
      return finish(batch, member);
    }),
  );
}

async function finish({ deps, publish }: Batch, member: BegunMember): Promise<PreparedDocument | null> {
  const { step, lane, begun } = member;
  const { own, elsewhere, isDue } = begun.claimed;
  // What waits for others, or for its turn, does so alone.
  if (elsewhere.length > 0 || (own.length > 0 && !isDue)) return finishSmall(deps, step, [lane], begun);
  const embed = async ({ signal }: Step) => {
    if (!isFree(lane)) await step.mayPay();
    return embedBatch({ ...lane, step: { ...lane.step, signal } }, { own, tokens: 0 });
  };
  // What is computed here for a document that has ended meanwhile takes a second or two: less than looking for that.
  const watched = () => (isFree(lane) ? embed(step) : stopWhenFenced(deps.database, step, embed));
  const embedded = own.length === 0 ? null : await watched();
  const publication = await publish({ member, own, embedded });
  if (publication.state === 'incomplete') return null;
  if (publication.state !== 'active') return { state: publication.state, chunks: 0 };
  return { state: 'active', chunks: publication.chunks, superseded: publication.superseded };
}

/** Notes how a document ended here; null, or a failure, leaves it. */
async function settle(
  { ended }: Batch,
  { run, signal }: Step,
  work: () => Promise<PreparedDocument | 'member' | null>,
): Promise<void> {
  const document = { documentId: run.documentId, generation: run.generation };
  try {
    signal.throwIfAborted();
    const outcome = await work();
    if (outcome === 'member') return;
    if (outcome === null || outcome.state === 'larger' || outcome.state === 'staging') ended.left.push(document);
    else if (outcome.state === 'active') {
      ended.active += 1;
      ended.chunks += outcome.chunks;
    } else ended.gone += 1;
    if (outcome?.superseded) ended.superseded.push(document);
  } catch (error) {
    if (isFenced(error)) ended.gone += 1;
    else ended.left.push(document);
  }
}
