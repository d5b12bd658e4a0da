import type { EntityManager } from '@mikro-orm/postgresql';
import type { ModelCandidate } from '../../contracts/names/model-faults.ts';
import { patienceForPauseMs } from '../../domain/turns/choose-model.ts';
import {
  readCallableModels,
  readModelCandidates,
  type CallableModel,
} from '../../entities/conversations/turn-model-repository.ts';
import type { ChatModel } from '../../providers/chat-model.ts';
import type { AskedModel } from './ask-aside.ts';
import type { ConversationDeps } from './conversation-deps.ts';

/** A model that may be asked for something that is not the answer of a turn. */
export type SideModel = AskedModel & { name: string; pricing: Record<string, unknown>; chat: ChatModel };

// It composes answers of passages, and can do nothing else.
const cannotBeAsked = 'extractive';

/**
 * The models of a turn that may be asked aside now, the one that answers it first, then in their order; without those of
 * `tried`, and without those that are switched off, rest because they failed too often, or are to pause for long.
 */
export async function findSideModels(
  deps: Pick<ConversationDeps, 'chatModel'>,
  em: EntityManager,
  turn: { workspaceId: string; turnId: string; current: string },
  tried: readonly string[] = [],
): Promise<SideModel[]> {
  const candidates = (await readModelCandidates(em, turn.turnId))
    .filter((candidate) => isFree(candidate) && !tried.includes(candidate.id))
    .toSorted((a, b) => Number(b.id === turn.current) - Number(a.id === turn.current));
  const rows = await readCallableModels(
    em,
    candidates.map(({ id }) => id),
  );
  return candidates.flatMap(({ id }) => {
    const row = rows.find((one) => one.id === id);
    return row && row.provider !== cannotBeAsked ? [openSideModel(deps, turn.workspaceId, row)] : [];
  });
}

/** Makes a model of its row. */
export function openSideModel(
  deps: Pick<ConversationDeps, 'chatModel'>,
  workspaceId: string,
  row: CallableModel,
): SideModel {
  const { id: modelId, name, provider, endpoint, capabilities, pricing } = row;
  const chat = deps.chatModel({
    ...{ provider, endpoint, capabilities },
    modelId: row.provider_model_id,
    apiKey: row.api_key,
  });
  return { workspaceId, modelId, name, provider, capabilities, pricing, chat };
}

// One that is tried again after it failed is tried by answers, of which one at a time is let through.
function isFree({ isUsable, isTripped, pauseMs }: ModelCandidate): boolean {
  return isUsable && !isTripped && pauseMs <= patienceForPauseMs;
}
