import type { ConversationDeps } from './conversation-deps.ts';
import { createEndTurn } from './end-turn.ts';
import { createExpireApproval } from './expire-approval.ts';
import { createGenerateAnswer } from './generate-answer.ts';
import { createMakeTitle } from './make-title.ts';
import { createRunTool } from './run-tool.ts';

/** The steps of a conversation's turn. */
export function createConversationActivities(deps: ConversationDeps) {
  return {
    generateAnswer: createGenerateAnswer(deps),
    runTool: createRunTool(deps),
    expireApproval: createExpireApproval(deps),
    endTurn: createEndTurn(deps),
    makeTitle: createMakeTitle(deps),
  };
}
