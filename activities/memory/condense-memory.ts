import type { EntityManager } from '@mikro-orm/postgresql';
import {
  applyCondensation,
  condensationPrompt,
  cutOldest,
  planCondensation,
  readCondensation,
  type CondensationPlan,
} from '../../domain/memory/condense-memory.ts';
import type { Remembered } from '../../domain/memory/memory-lines.ts';
import { estimateTokens } from '../../domain/prompting/estimate-tokens.ts';
import { findLastTurn, settleLostCalls } from '../../entities/memory/memory-usage-repository.ts';
import { writeMemory, type FullMemory } from '../../entities/memory/memory-version-repository.ts';
import { lockMemoryOwner, readMemoryOwner, type MemoryOwner } from '../../entities/memory/user-memory-repository.ts';
import { findSideModels, type SideModel } from '../conversation/side-models.ts';
import { withReport, type Reported } from '../upkeep/with-report.ts';
import { askForJson, longestCallSeconds } from './ask-for-json.ts';
import type { MemoryDeps } from './memory-deps.ts';
import { runMemoryStep, type MemoryStep } from './run-memory-step.ts';

/** What became of a memory over its cap. */
export type CondensedMemory = { state: 'condensed' | 'cut' | 'left' };

// What was said lately is still under way.
const untouchedMs = 7 * 86_400_000;

type Shortened = Remembered & { origin: 'condensed' | 'cut'; detail: Record<string, unknown> };

/**
 * Shortens a memory that is over its cap: a model of the user's last conversation condenses the lines that are older than a
 * week; without a model the oldest of them are cut, and the version says so. A memory that was written meanwhile is left
 * to the next run, and so is one that is over its cap for what was said within the week.
 */
export function createCondenseMemory(deps: MemoryDeps): (memory: FullMemory) => Promise<CondensedMemory> {
  return (memory) =>
    runMemoryStep((step) => {
      const { workspaceId, userId } = memory;
      return withReport(deps, { task: 'condense-memories', subject: userId, workspaceId }, () =>
        condense(deps, memory, step),
      );
    });
}

async function condense(
  deps: MemoryDeps,
  { workspaceId, userId, version }: FullMemory,
  step: MemoryStep,
): Promise<Reported<CondensedMemory>> {
  const { owner, models } = await deps.database.inWorkspace(workspaceId, async (em) => {
    await settleLostCalls(em, { workspaceId, userId, seconds: longestCallSeconds });
    return { owner: await readMemoryOwner(em, userId), models: await modelsOf(deps, em, workspaceId, userId) };
  });
  const left = { result: { state: 'left' as const }, finding: null };
  if (!owner || owner.version !== version) return left;
  const cap = owner.capTokens ?? deps.memory.capTokens;
  const memory = { text: owner.memory, facts: owner.facts };
  const recentFrom = new Date(Date.now() - untouchedMs).toISOString();
  const plan = planCondensation(memory, { cap, recentFrom, count: estimateTokens });
  const before = estimateTokens(owner.memory);
  const saw = { tokens: before, cap, ...(plan && { old_lines: plan.old.length, recent_lines: plan.recent.length }) };
  if (!plan) {
    const reason = 'What is too much was said within the last week, and stays until it is older.';
    return { result: left.result, finding: { saw, decided: 'nothing', reason, did: {} } };
  }
  const shortened =
    models.length === 0
      ? cut(memory, plan, 'no_model')
      : await askModels(deps, { workspaceId, owner, memory, plan, models }, step);
  const tokens = estimateTokens(shortened.text);
  const detail = { ...shortened.detail, tokens_before: before, cap_tokens: cap };
  const written = await deps.database.inWorkspace(workspaceId, async (em) => {
    const now = await lockMemoryOwner(em, userId);
    if (now?.version !== version) return null;
    const { text, facts, origin } = shortened;
    return writeMemory(em, {
      ...{ workspaceId, userId, metadata: now.metadata, facts, tokens, origin, detail },
      memory: text,
    });
  });
  if (written === null) return left;
  const reason =
    shortened.origin === 'cut'
      ? 'It is over its cap, and there is no model that could condense it: the oldest lines were left out.'
      : 'It is over its cap.';
  const did = { version: written, tokens, ...shortened.detail };
  return {
    result: { state: shortened.origin },
    finding: { saw, decided: shortened.origin === 'cut' ? 'cut' : 'condense', reason, did },
  };
}

async function modelsOf(
  deps: MemoryDeps,
  em: EntityManager,
  workspaceId: string,
  userId: string,
): Promise<SideModel[]> {
  const last = await findLastTurn(em, userId);
  if (!last) return [];
  return findSideModels(deps, em, { workspaceId, turnId: last.turnId, current: last.modelId });
}

async function askModels(
  deps: MemoryDeps,
  work: {
    workspaceId: string;
    owner: MemoryOwner;
    memory: Remembered;
    plan: CondensationPlan;
    models: readonly SideModel[];
  },
  step: MemoryStep,
): Promise<Shortened> {
  const { workspaceId, owner, memory, plan, models } = work;
  const { userId, version } = owner;
  const { value, model } = await askForJson(
    deps,
    {
      ...{ workspaceId, userId, purpose: `condense/${userId}/${version}`, models },
      messages: condensationPrompt(plan),
      read: readCondensation,
    },
    step,
  );
  const { text, facts, left } = applyCondensation(memory, plan, value, estimateTokens);
  const detail = { model, lines_before: plan.old.length, lines_after: value.length - left, lines_left_out: left };
  return { text, facts, origin: 'condensed', detail };
}

function cut(memory: Remembered, plan: CondensationPlan, reason: string): Shortened {
  const { text, facts, cut: lines } = cutOldest(memory, plan, estimateTokens);
  return { text, facts, origin: 'cut', detail: { reason, lines_cut: lines } };
}
