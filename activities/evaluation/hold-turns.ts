import type { EvaluateInput } from '../../contracts/names/workflows.ts';
import { workflowIds } from '../../contracts/names/workflows.ts';
import { acceptMessage } from '../../entities/conversations/conversation-repository.ts';
import type { StoredContext } from '../../entities/evaluations/evaluation-item-repository.ts';
import {
  beginHeldItem,
  holdConversation,
  readHeldItems,
  readHeldTurns,
  readHeldTurnUse,
  readItemCases,
  type HeldItem,
  type HeldTurnRow,
} from '../../entities/evaluations/held-conversation-repository.ts';
import { ensureUser } from '../../entities/tenancy/user-repository.ts';
import { uuidV7 } from '../../entities/uuid-v7.ts';
import { itemFenced } from './change-writer.ts';
import { heldConversationId } from './evaluation-call-id.ts';
import type { EvaluationDeps } from './evaluation-deps.ts';
import { openRun, type Run } from './open-run.ts';
import { runEvaluationStep } from './run-evaluation-step.ts';

/** How far the conversations of a run are. */
export type HeldTurns = { ended: number; under: number; waiting: number };

const unended = ['accepted', 'queued', 'running'];

/**
 * Looks once at the conversations that a run holds with an agent: takes the outputs of those that have ended, sends the next
 * message where a turn has, and begins as many as the run has lanes. All of it follows from the rows, so that a look that
 * is repeated changes nothing.
 */
export function createHoldTurns(deps: EvaluationDeps): (input: EvaluateInput) => Promise<HeldTurns> {
  return async function holdTurns({ workspaceId, evaluationId }) {
    return runEvaluationStep(async ({ signal }) => {
      const key = { workspaceId, evaluationId };
      const run = await deps.database.inWorkspace(workspaceId, (em) => openRun(em, deps, key, signal));
      const { lanes } = run.plan.configuration;
      const look = () => deps.database.inWorkspace(workspaceId, (em) => readHeldItems(em, key, lanes));
      const first = await look();
      const ended = await followUp(run, first.under);
      const { next, under, waiting } = await look();
      for (const item of await itemsOf(run, next)) {
        signal.throwIfAborted();
        const attempt = await deps.database.inWorkspace(workspaceId, (em) => beginHeldItem(em, key, item.ordinal));
        if (attempt === null) throw itemFenced();
        await send(run, { ...item, attempt }, []);
      }
      return { ended, under: under.length + next.length, waiting: waiting - next.length };
    });
  };
}

function itemsOf({ deps, key }: Run, ordinals: readonly number[]): Promise<HeldItem[]> {
  return deps.database.inWorkspace(key.workspaceId, (em) => readItemCases(em, key, ordinals));
}

/** Takes what has ended, or goes on with it; counts what has ended. */
async function followUp(run: Run, ordinals: readonly number[]): Promise<number> {
  const { deps, key, signal } = run;
  const items = await itemsOf(run, ordinals);
  const ids = new Map(
    items.map(({ ordinal, attempt }) => [heldConversationId(key.evaluationId, ordinal, attempt), ordinal]),
  );
  const rows = await deps.database.inWorkspace(key.workspaceId, (em) => readHeldTurns(em, [...ids.keys()]));
  const turns = Map.groupBy(rows, (row) => ids.get(row.conversation_id));
  const writes: Promise<void>[] = [];
  for (const item of items) {
    signal.throwIfAborted();
    const held = turns.get(item.ordinal) ?? [];
    const last = held.at(-1);
    if (last && unended.includes(last.state)) continue;
    if (last === undefined || (last.state === 'completed' && held.length < questionsOf(item).length)) {
      await send(run, item, held);
      continue;
    }
    writes.push(last.state === 'completed' ? take(run, item, held) : fail(run, item, last, held));
  }
  await Promise.all(writes);
  return writes.length;
}

/** The user messages of a case, which are sent one after the other. */
function questionsOf({ input }: HeldItem): string[] {
  if (input.messages === undefined) return [input.question ?? JSON.stringify(input.variables ?? {})];
  return input.messages.flatMap(({ role, content }) => (role === 'user' ? [content] : []));
}

async function send(run: Run, item: HeldItem, before: readonly HeldTurnRow[]): Promise<void> {
  const { deps, key, plan } = run;
  const { workspaceId, evaluationId } = key;
  const agentId = plan.target.variants[item.variant]!.agent!.id;
  const conversationId = heldConversationId(evaluationId, item.ordinal, item.attempt);
  const accepted = await deps.database.inWorkspace(workspaceId, async (em) => {
    const externalId = plan.configuration.user ?? 'evaluation';
    const userId = await ensureUser(em, { workspaceId, externalId, newId: uuidV7() });
    const title = `Evaluation, item ${item.ordinal}`;
    const metadata = item.input.variables ?? {};
    await holdConversation(em, { ...key, conversationId, agentId, userId, title, metadata });
    return acceptMessage(em, {
      workspaceId,
      conversationId,
      messageId: uuidV7(),
      turnId: uuidV7(),
      workflowId: workflowIds.conversation(conversationId),
      clientMessageId: `evaluation/${before.length}`,
      content: questionsOf(item)[before.length] ?? '',
      onBusy: 'queue',
    });
  });
  if ('refused' in accepted) return;
  // Not awaited by the run: the sweep brings a turn that did not arrive.
  await deps.submitTurn({ workspaceId, conversationId, agentId, turnId: accepted.turnId }).catch(() => {});
}

async function take({ deps, key }: Run, item: HeldItem, held: readonly HeldTurnRow[]): Promise<void> {
  const turnIds = held.map((turn) => turn.turn_id);
  const last = held.at(-1)!;
  const use = await deps.database.inWorkspace(key.workspaceId, (em) =>
    readHeldTurnUse(em, { turnIds, lastTurnId: last.turn_id }),
  );
  await deps.changes.write(key, {
    ordinal: item.ordinal,
    attempt: item.attempt,
    state: 'scoring',
    error: null,
    turnIds,
    output: {
      output: last.answer,
      prompt: null,
      contexts: use.passages.map(contextOf),
      toolCalls: use.tool_calls,
      latencyMs: held.reduce((sum, { elapsed_ms: ms }) => sum + (ms ?? 0), 0),
    },
    paid: {
      promptTokens: use.prompt_tokens,
      completionTokens: use.completion_tokens,
      cost: use.cost,
      currency: use.currency,
    },
  });
}

function contextOf(passage: Record<string, unknown>): StoredContext {
  const context = passage['context'] as { content?: string } | null;
  const text = (name: string): string | null => (typeof passage[name] === 'string' ? passage[name] : null);
  return {
    document_id: String(passage['documentId']),
    chunk_index: Number(passage['chunkIndex']),
    title: text('title') ?? '',
    source_url: text('sourceUrl'),
    source_path: text('sourcePath'),
    text: context?.content ?? text('content') ?? '',
  };
}

async function fail(run: Run, item: HeldItem, last: HeldTurnRow, held: readonly HeldTurnRow[]): Promise<void> {
  const { deps, key } = run;
  const waits = last.state === 'waiting';
  const error = waits
    ? { code: 'conflict', detail: 'The turn waits for a person: tools that need approval cannot be evaluated.' }
    : (last.error ?? { code: 'cancelled', detail: 'The turn was cancelled.' });
  if (waits) {
    const turn = { workspaceId: key.workspaceId, conversationId: last.conversation_id };
    await deps.cancelTurn({ ...turn, agentId: last.agent_id, turnId: last.turn_id }).catch(() => {});
  }
  await deps.changes.write(key, {
    ordinal: item.ordinal,
    attempt: item.attempt,
    state: 'failed',
    error,
    turnIds: held.map((turn) => turn.turn_id),
    results: run.metrics.map(({ label, hash }) => ({
      metric: label,
      metricHash: hash,
      state: 'unscored' as const,
      score: null,
      reason: `The target gave no answer: ${error.code}: ${error.detail}`,
      details: null,
    })),
  });
}
