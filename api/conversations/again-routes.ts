import type { EntityManager } from '@mikro-orm/postgresql';
import { PerdureError } from '../../contracts/errors.ts';
import { idParamsSchema } from '../../contracts/fields.ts';
import { answerAgainSchema } from '../../contracts/message.ts';
import { turnsChannel } from '../../contracts/names/limits.ts';
import { workflowIds } from '../../contracts/names/workflows.ts';
import { messageAcceptedSchema } from '../../contracts/turn.ts';
import { acceptAgain, type TurnAgain } from '../../entities/conversations/accept-again.ts';
import { findMessage } from '../../entities/conversations/message-repository.ts';
import { findTurn, type TurnRow } from '../../entities/conversations/turn-repository.ts';
import { uuidV7 } from '../../entities/uuid-v7.ts';
import { defineRoute, type Reply, type RouteDeps } from '../framework/route.ts';
import type { Principal } from '../framework/scope.ts';
import { notFound } from '../framework/validate-request.ts';
import { findVisibleTurn } from '../turns/find-visible-turn.ts';
import { presentTurn } from '../turns/present-turn.ts';
import { endReplaced, refusal, submitAccepted } from './accept-user-message.ts';
import { findVisibleMessage } from './find-visible-message.ts';
import { pinPrompt, requireFilled } from './pin-prompt.ts';
import { presentMessage } from './present-message.ts';

const regenerate = defineRoute({
  method: 'POST',
  path: '/messages/{id}/regenerate',
  tag: 'Conversations',
  summary: 'Ask for another answer in the place of an answer',
  description: 'The new answer stands beside the old one and is shown once it is there; the old one stays a branch.',
  scope: 'conversations:write',
  params: idParamsSchema,
  body: answerAgainSchema,
  bodyOptional: true,
  example: { on_busy: 'queue' },
  idempotent: true,
  responses: { 202: messageAcceptedSchema },
  problems: [402, 409, 422],
  transaction: async (em, { params, body, user, principal }, deps) => {
    const message = await findVisibleMessage(em, params.id, user);
    const turn = message.turn_id === null ? null : await findTurn(em, message.turn_id);
    if (message.sender !== 'assistant' || !turn)
      throw new PerdureError('bad_request', "Only an answer can be regenerated. To change a user's message, edit it.");
    return again(em, deps, principal, turn, { kind: 'regenerate', onBusy: body.on_busy });
  },
  afterCommit: submitAccepted,
});

const retry = defineRoute({
  method: 'POST',
  path: '/turns/{id}/retry',
  tag: 'Turns',
  summary: 'Try a turn again that has failed or was cancelled',
  scope: 'conversations:write',
  params: idParamsSchema,
  body: answerAgainSchema,
  bodyOptional: true,
  example: { on_busy: 'queue' },
  idempotent: true,
  responses: { 202: messageAcceptedSchema },
  problems: [402, 409, 422],
  transaction: async (em, { params, body, user, principal }, deps) => {
    const turn = await findVisibleTurn(em, params.id, user);
    return again(em, deps, principal, turn, { kind: 'retry', onBusy: body.on_busy });
  },
  afterCommit: submitAccepted,
});

async function again(
  em: EntityManager,
  deps: RouteDeps,
  principal: Principal,
  former: TurnRow,
  how: Pick<TurnAgain, 'kind' | 'onBusy'>,
): Promise<Reply> {
  const { workspaceId } = principal;
  const { conversation_id: conversationId } = former;
  const question = await findMessage(em, former.user_message_id);
  if (!question) throw notFound('message');
  const pin = await pinPrompt(em, { conversationId, question: question.content });
  const turnId = uuidV7();
  const accepted = await acceptAgain(em, {
    ...how,
    ...{ workspaceId, conversationId, turnId },
    workflowId: workflowIds.conversation(conversationId),
    replacesTurnId: former.id,
    versions: pin?.versions,
  });
  if ('refused' in accepted) throw refusal(accepted.refused);
  if (pin) requireFilled(pin);
  const turn = await findTurn(em, turnId);
  if (!turn) throw new Error(`turn ${turnId} was accepted but cannot be read`);
  return {
    status: 202,
    body: { message: presentMessage(question, []), turn: presentTurn(turn) },
    afterCommit: async () => {
      if (accepted.isAlone) deps.starter.announceTurn({ workspaceId, conversationId, agentId: turn.agent_id, turnId });
      // One that begins at once is told of by its begin.
      else deps.notifier.notify(turnsChannel, [turnId]);
      await endReplaced(deps, principal, turn, accepted.replaced);
    },
  };
}

/** Routes by which a question is answered once more. */
export const againRoutes = [regenerate, retry];
