import type { ConversationDeps } from './conversation-deps.ts';
import { createEndTurn } from './end-turn.ts';
import { createGenerateAnswer } from './generate-answer.ts';

/** The steps of a conversation's turn. */
export function createConversationActivities(deps: ConversationDeps) {
  return { generateAnswer: createGenerateAnswer(deps), endTurn: createEndTurn(deps) };
}
