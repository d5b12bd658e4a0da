import { ApplicationFailure } from '@temporalio/activity';
import type { EntityManager } from '@mikro-orm/postgresql';
import { estimateTokens } from '../../domain/prompting/estimate-tokens.ts';
import { settleUsage, unknownUsage, type ProviderUsage } from '../../entities/conversations/turn-usage-repository.ts';
import { completeChat } from '../../providers/chat/complete-chat.ts';
import type { ChatModel, ChatRequest } from '../../providers/chat-model.ts';
import { ProviderError } from '../../providers/provider-error.ts';
import { paceCall } from '../pacing/pace-calls.ts';
import type { ConversationDeps } from './conversation-deps.ts';
import { noteModelHealth } from './settle-model-fault.ts';

/** The row of a model that is called, as far as its pace and its circuit are concerned. */
export type AskedModel = {
  workspaceId: string;
  modelId: string;
  provider: string;
  capabilities: Record<string, unknown>;
};

/** What a model said; `text` is null and `code` says how where it failed. */
export type SideAnswer = { text: string | null; usage: ProviderUsage; code: string | null };

/**
 * Asks a model for something that is not the answer of a turn, whole and within the model's pace; the call was booked
 * before. A fault of the model or its provider is an answer too. @throws what is no such fault, the reason of `signal`.
 */
export async function askAside(
  deps: Pick<ConversationDeps, 'database'>,
  row: AskedModel,
  model: ChatModel,
  chat: ChatRequest,
  signal: AbortSignal,
): Promise<SideAnswer> {
  try {
    const { value, usage } = await paceCall(
      deps.database,
      row,
      { tokens: chat.messages.reduce((sum, message) => sum + estimateTokens(message.content), 0), signal },
      { call: () => completeChat(model, chat, signal), tokensOf: (given) => given.usage.totalTokens },
    );
    return { text: value, usage, code: null };
  } catch (error) {
    signal.throwIfAborted();
    return { text: null, usage: unknownUsage, code: codeOf(error) };
  }
}

// Another model would be refused the same request.
const faultsOfRequest = new Set(['provider_invalid_request', 'provider_content_filter']);

/** Whether another model may do better. */
export function isFaultOfModel(code: string): boolean {
  return !faultsOfRequest.has(code);
}

/** Settles the call, and counts it for or against its model. */
export async function settleAside(
  em: EntityManager,
  row: AskedModel,
  callId: string,
  { usage, code }: SideAnswer,
): Promise<void> {
  await settleUsage(em, callId, usage, { wasAnswered: code === null });
  if (code !== null) await noteModelHealth(em, row, code);
}

/** @throws whatever is no fault of the model or its provider. */
function codeOf(error: unknown): string {
  if (error instanceof ProviderError) return `provider_${error.code}`;
  if (error instanceof ApplicationFailure && error.type?.startsWith('provider_')) return error.type;
  throw error;
}
