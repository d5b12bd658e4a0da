import type { EntityManager } from '@mikro-orm/postgresql';
import { setTimeout } from 'node:timers/promises';
import { insertEmbeddings } from '../../entities/documents/chunk-embedding-repository.ts';
import { addEmbeddedChunks } from '../../entities/documents/document-generation-repository.ts';
import { releaseClaims } from '../../entities/documents/embedding-cache-repository.ts';
import { settleEmbeddingUsage } from '../../entities/usage/embedding-usage-repository.ts';
import { correctModelCall } from '../../entities/usage/rate-limit-repository.ts';
import type { EmbeddingResult } from '../../providers/embedding-model.ts';
import { awaitTurn, makeCall, tryTurn, type LaterTurn, type ModelToPace } from '../pacing/pace-calls.ts';
import { beginEmbedding, callOf, claimBatch, type BegunLane, type ClaimedBatch } from './begin-embedding.ts';
import { embeddingBatches } from './embedding-batches.ts';
import {
  hashedChunks,
  inGeneration,
  isFree,
  isLimited,
  payerOf,
  type ComeAgain,
  type EmbeddingLane,
} from './embedding-lane.ts';
import { generationFenced } from './ingestion-failure.ts';
import type { TextToEmbed } from './texts-to-embed.ts';

// How soon to look again for vectors that another ingestion is paying for.
const lookAgainMs = 300;
// A longer wait gives the slot back, if somebody comes again.
const patienceMs = 1_000;
// Whoever comes again for a place in the queue notices so soon that its model's limits have changed.
const longestAbsenceMs = 120_000;
const longestLookMs = 30_000;

// What a step does not do that may have been given up: the steps that follow do it at once.
const handedBack = { afterMs: 0, booked: null, looks: 0 };

type Lane = EmbeddingLane & {
  vectorTypeId: number;
  completion: Completion | undefined;
  /** The moment that is booked for the next call. */
  booking: { moment: string | null };
};

/**
 * Lets the transaction that stores the last vectors also end the generation. `hold` takes the locks that it needs, in
 * place of the lane's own; `end` follows the vectors; `committed` follows the commit.
 */
export type Completion = {
  hold(em: EntityManager): Promise<boolean>;
  end(em: EntityManager): Promise<void>;
  committed(): void;
};

/**
 * Embeds what is missing in a range of chunks with one model; returns how many chunks that were. A text whose vector is
 * stored anywhere in the workspace is not embedded again, and one that another ingestion is paying for is waited for.
 * While one batch is stored the next is embedded. Where the lane is not to wait, it ends with `again` when the turn of its
 * next call, or somebody else's vector, is more than about a second away. `begun` is what was found in a transaction of the
 * caller's. `completion` runs with the last vectors, if any are stored when nothing else is waited for.
 * @throws ApplicationFailure `fenced` when the generation cannot be held any more.
 */
export async function embedWithModel(
  lane: EmbeddingLane,
  begun?: BegunLane,
  completion?: Completion,
): Promise<{ embedded: number; again: ComeAgain | null }> {
  const { step, model, ifNotDue } = lane;
  const found = begun ?? (await inGeneration(lane, (em) => beginEmbedding(em, lane)));
  lane.deps.notifyDocument(step.run.documentId);
  const last = lane.again?.modelId === model.id ? lane.again : null;
  const { vectorTypeId } = found;
  const work: Lane = { ...lane, vectorTypeId, completion, booking: { moment: last?.booked ?? null } };
  let { waiting, again } = await embedUnclaimed(work, found.texts, found.claimed);
  const leavesAt = performance.now() + patienceMs;
  while (waiting.length > 0 && again === null) {
    if (ifNotDue !== 'wait' && performance.now() >= leavesAt) {
      const looks = (last?.looks ?? 0) + 1;
      const afterMs = Math.min(longestLookMs, patienceMs * 2 ** looks);
      again = { afterMs, modelId: model.id, booked: null, looks };
    } else {
      await setTimeout(lookAgainMs, undefined, { signal: step.signal });
      ({ waiting, again } = await embedUnclaimed(work, waiting, null));
    }
  }
  const left = waiting.reduce((sum, { indexes }) => sum + indexes.length, 0);
  return { embedded: found.chunks - left, again };
}

/** A batch whose call is to be made at once; `tokens` is what was counted for it. */
type DueBatch = ClaimedBatch & { tokens: number };

/** Embeds batch after batch; returns the texts that are left: somebody else is paying for them, or their turn comes later. */
async function embedUnclaimed(
  lane: Lane,
  texts: readonly TextToEmbed[],
  claimed: ClaimedBatch | null,
): Promise<{ waiting: TextToEmbed[]; again: ComeAgain | null }> {
  const { step, embedder } = lane;
  const waiting: TextToEmbed[] = [];
  let storing: Promise<void> = Promise.resolve();
  const embedNext = async (batch: DueBatch, isLast: boolean) => {
    waiting.push(...batch.elsewhere);
    if (batch.own.length === 0) return;
    const embedded = await embedBatch(lane, batch);
    await storing;
    storing = storeBatch(lane, batch.own, { ...embedded, completes: isLast && waiting.length === 0 });
    // Its failure is thrown where it is awaited; without this it would count as unhandled until then.
    storing.catch(() => {});
  };
  const batches = [...embeddingBatches(texts, embedder.maxBatch)];
  if (claimed !== null && claimed.own.length > 0 && !(await step.mayPay()))
    return { waiting: [...claimed.own, ...claimed.elsewhere], again: { ...handedBack, modelId: lane.model.id } };
  if (claimed?.isDue || claimed?.own.length === 0) await embedNext({ ...claimed, tokens: 0 }, batches.length === 0);
  else if (claimed) {
    waiting.push(...claimed.elsewhere);
    batches.unshift(claimed.own);
  }
  let again: ComeAgain | null = null;
  try {
    for (const [index, wanted] of batches.entries()) {
      const turn = await claim(lane, wanted);
      if ('later' in turn) {
        const afterMs = Math.min(longestAbsenceMs, turn.later.afterMs);
        again = { afterMs, modelId: lane.model.id, booked: turn.later.booked, looks: 0 };
        waiting.push(...batches.slice(index).flat());
        break;
      }
      await embedNext(turn, index === batches.length - 1);
    }
  } finally {
    // Whoever goes on after a failure must find what was paid for.
    await storing.catch(() => {});
  }
  await storing;
  step.signal.throwIfAborted();
  return { waiting, again };
}

/** Claims the texts of a batch once the turn of its call has come, and notes the call; or says when it comes. */
async function claim(lane: Lane, wanted: TextToEmbed[]): Promise<DueBatch | { later: LaterTurn }> {
  if (isFree(lane)) return { own: wanted, elsewhere: [], isDue: true, tokens: 0 };
  const { deps, step, model, embedder } = lane;
  if (!(await step.mayPay())) return { later: handedBack };
  if (!isLimited(lane)) {
    const claimed = await inGeneration(lane, (em) => claimBatch(em, lane, wanted, { unlessPaused: true }));
    if (claimed.isDue || claimed.own.length === 0) return { ...claimed, tokens: 0 };
  }
  const isCounted = model.capabilities['tokensPerMinute'] !== undefined;
  const tokens = isCounted ? wanted.reduce((sum, { text }) => sum + embedder.countTokens(text), 0) : 0;
  const later = await takeTurn(lane, tokens);
  if (later !== null) return { later };
  const claimed = await inGeneration(lane, (em) => claimBatch(em, lane, wanted, { unlessPaused: false }));
  if (claimed.own.length === 0) {
    const unused = { extraRequests: -1, extraTokens: -tokens };
    await deps.database.autocommit((em) => correctModelCall(em, pacedModel(lane), unused));
  }
  return { ...claimed, tokens };
}

/** Null once a call may be made. */
async function takeTurn(lane: Lane, tokens: number): Promise<LaterTurn | null> {
  const { deps, step, booking, ifNotDue } = lane;
  const { moment: booked } = booking;
  booking.moment = null;
  const call = { tokens, priority: 'batch', signal: step.signal, booked } as const;
  if (ifNotDue === 'wait') {
    await awaitTurn(deps.database, pacedModel(lane), call);
    return null;
  }
  // Who leaves would leave a booked moment unused.
  const longestWaitMs = ifNotDue === 'leave' ? { longestWaitMs: patienceMs } : {};
  return tryTurn(deps.database, pacedModel(lane), { ...call, ...longestWaitMs });
}

function pacedModel({ step, model }: EmbeddingLane): ModelToPace {
  const { workspaceId } = step.run;
  return { workspaceId, modelId: model.id, provider: model.provider, capabilities: model.capabilities };
}

/** One call of the model, which was noted before; a model on this machine has no bill to agree with. */
export async function embedBatch(
  lane: EmbeddingLane,
  { own, tokens }: Pick<DueBatch, 'own' | 'tokens'>,
): Promise<{ result: EmbeddingResult; callId: string | null }> {
  const { deps, step, embedder } = lane;
  const texts = own.map(({ text }) => text);
  const options = { signal: step.signal, priority: 'batch' } as const;
  if (isFree(lane)) return { result: await embedder.embed(texts, options), callId: null };
  const { callId } = callOf(lane, own);
  const result = await makeCall(deps.database, pacedModel(lane), tokens, {
    call: () => embedder.embed(texts, { ...options, callId }),
    tokensOf: ({ usage }) => usage.promptTokens,
  });
  return { result, callId };
}

async function storeBatch(
  lane: Lane,
  batch: readonly TextToEmbed[],
  embedded: { result: EmbeddingResult; callId: string | null; completes: boolean },
): Promise<void> {
  const { deps, step, model } = lane;
  const { run } = step;
  const { vectors, usage } = embedded.result;
  const completion = embedded.completes ? lane.completion : undefined;
  const held = await deps.database.inWorkspace(run.workspaceId, async (em) => {
    // The generation before its usage, as whoever ends it locks them.
    const isHeld = await (completion ?? lane).hold(em);
    // Paid is paid: the figure is kept even if the vectors come too late.
    if (embedded.callId !== null) await settleEmbeddingUsage(em, embedded.callId, usage.promptTokens);
    if (!isHeld) return false;
    const stored = await insertEmbeddings(em, run, {
      ...hashedChunks(model.id, batch),
      vectorTypeId: lane.vectorTypeId,
      vectors: batch.flatMap(({ indexes }, place) => indexes.map(() => vectors[place]!)),
    });
    if (embedded.callId !== null) {
      await releaseClaims(
        em,
        payerOf(lane),
        batch.map(({ hash }) => hash),
      );
    }
    if (lane.isLast) await addEmbeddedChunks(em, run, stored);
    await completion?.end(em);
    return true;
  });
  if (!held) throw generationFenced();
  completion?.committed();
  deps.notifyDocument(run.documentId);
}
