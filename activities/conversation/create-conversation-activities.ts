import type { ConversationDeps } from './conversation-deps.ts';
import type { EarlyAnswers } from './early-answers.ts';
import { createEndTurn } from './end-turn.ts';
import { createExpireApproval } from './expire-approval.ts';
import { createGenerateAnswer } from './generate-answer.ts';
import { createMakeTitle } from './make-title.ts';
import { createRunTool } from './run-tool.ts';

/** The steps of a conversation's turn; `early` has the answers of this process that were begun before their workflow knew. */
export function createConversationActivities(deps: ConversationDeps, early: EarlyAnswers) {
  return {
    generateAnswer: createGenerateAnswer(deps, early),
    runTool: createRunTool(deps),
    expireApproval: createExpireApproval(deps),
    endTurn: createEndTurn(deps),
    makeTitle: createMakeTitle(deps),
  };
}
