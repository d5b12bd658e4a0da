import type { ChatModel } from '../../../providers/chat-model.ts';

/** The model of a prompt, as far as its assembly is concerned; `capabilities` are those of its row. */
export type PromptModel = Pick<ChatModel, 'id' | 'contextWindow' | 'provider'> & {
  capabilities: Readonly<Record<string, unknown>>;
};

const leastAnswer = 256;
const mostAnswer = 4096;
const leastPrompt = 512;

/** Tokens that a prompt may have, so that the answer (as long as the agent allows) has room behind it. */
export function promptRoom(model: Pick<ChatModel, 'contextWindow'>, maxTokens: number | null, squeeze: number): number {
  const usual = Math.min(Math.max(Math.floor(model.contextWindow / 8), leastAnswer), mostAnswer);
  return Math.max(Math.floor((model.contextWindow - (maxTokens ?? usual)) * squeeze), leastPrompt);
}
