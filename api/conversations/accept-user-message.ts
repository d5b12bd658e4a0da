import type { EntityManager } from '@mikro-orm/postgresql';
import type { z } from 'zod';
import { PerdureError } from '../../contracts/errors.ts';
import type { createMessageSchema } from '../../contracts/message.ts';
import { turnsChannel } from '../../contracts/names/limits.ts';
import { workflowIds } from '../../contracts/names/workflows.ts';
import { messageAcceptedSchema } from '../../contracts/turn.ts';
import { acceptAtOnce } from '../../entities/conversations/accept-at-once.ts';
import {
  acceptMessage,
  lockForQuestion,
  type MadeRoom,
  type RefusedMessage,
} from '../../entities/conversations/conversation-repository.ts';
import { findMessage } from '../../entities/conversations/message-repository.ts';
import { findTurn } from '../../entities/conversations/turn-repository.ts';
import { uuidV7 } from '../../entities/uuid-v7.ts';
import type { Reply, RouteDeps, RouteRequest } from '../framework/route.ts';
import type { Principal } from '../framework/scope.ts';
import { notFound } from '../framework/validate-request.ts';
import type { EventStream } from '../streams/event-stream.ts';
import { watchTurn } from '../streams/watch-turn.ts';
import { presentTurn } from '../turns/present-turn.ts';
import { fillPin, requireFilled } from './pin-prompt.ts';
import { presentMessage } from './present-message.ts';

// A turn that is not named finds its end in its row.
const mostNamed = 1000;

type MessageRequest = RouteRequest<{ id: string }, unknown, z.infer<typeof createMessageSchema>>;

/** Writes a user's message with its turn; what must make room for it is ended after the commit. */
export async function acceptUserMessage(
  em: EntityManager,
  { body, principal }: MessageRequest,
  deps: RouteDeps,
  place: { conversationId: string; edits?: string },
): Promise<Reply> {
  const { conversationId } = place;
  const question = {
    ...place,
    workspaceId: principal.workspaceId,
    messageId: uuidV7(),
    turnId: uuidV7(),
    workflowId: workflowIds.conversation(conversationId),
    clientMessageId: body.client_message_id ?? null,
    content: body.content,
    onBusy: body.on_busy,
  };
  const atOnce = place.edits === undefined ? await acceptAtOnce(em, question) : null;
  const locked = atOnce ?? (await lockForQuestion(em, question));
  if (!locked) throw refusal('conversation_not_found');
  const pin = fillPin(locked, body.content);
  const accepted = atOnce?.accepted ?? (await acceptMessage(em, { ...question, versions: pin.versions }, locked));
  if ('refused' in accepted) throw refusal(accepted.refused);
  // A message that was accepted before is answered as it was, whatever its templates say now.
  if (!accepted.duplicate) requireFilled(pin);
  const message = accepted.rows?.message ?? (await findMessage(em, accepted.messageId));
  const turn = accepted.rows?.turn ?? (await findTurn(em, accepted.turnId));
  if (!message || !turn) throw new Error(`message ${accepted.messageId} was accepted but cannot be read`);
  if (message.content !== body.content)
    throw new PerdureError(
      'conflict',
      `client_message_id "${body.client_message_id}" was used for another message of this conversation. Use a new one.`,
    );
  return {
    status: 202,
    body: { message: presentMessage(message, []), turn: presentTurn(turn) },
    afterCommit: async () => {
      const { workspaceId } = principal;
      const { agentId, turnId } = accepted;
      if (accepted.isAlone) deps.starter.announceTurn({ workspaceId, conversationId, agentId, turnId });
      // One that begins at once is told of by its begin.
      else deps.notifier.notify(turnsChannel, [turnId]);
      await endReplaced(deps, principal, turn, accepted.replaced);
    },
  };
}

/** Brings the accepted turn to its conversation. */
export async function submitAccepted(
  reply: Reply,
  { principal }: { principal: Principal },
  deps: RouteDeps,
): Promise<void> {
  const { turn } = messageAcceptedSchema.parse(reply.body);
  if (turn.state !== 'accepted') return;
  await deps.starter.submitTurn({
    workspaceId: principal.workspaceId,
    conversationId: turn.conversation_id,
    agentId: turn.agent_id,
    turnId: turn.id,
  });
}

/** Sends the events of the accepted turn from its first one on. */
export function followAccepted(
  reply: Reply,
  { principal }: { principal: Principal },
  deps: RouteDeps,
): (stream: EventStream) => Promise<void> {
  const { turn } = messageAcceptedSchema.parse(reply.body);
  const { workspaceId } = principal;
  const ended = turn.completed_at !== null;
  return (stream) => watchTurn({ deps, stream, workspaceId, turnId: turn.id, after: 0, ended });
}

/**
 * Ends the turns under way whose place a new one takes, as their rows ask for already, and tells of those that have ended
 * with its commit: one word to the conversation, however many messages have waited there.
 */
export async function endReplaced(
  deps: RouteDeps,
  { workspaceId }: Principal,
  { conversation_id: conversationId, agent_id: agentId }: { conversation_id: string; agent_id: string },
  { asked, ended }: MadeRoom,
): Promise<void> {
  if (ended.length > 0) deps.notifier.notify(turnsChannel, ended);
  const named = asked.length > 0 ? asked : ended.slice(0, 1);
  for (const turnId of named)
    await deps.starter.cancelTurn({ workspaceId, conversationId, agentId, turnId, ended: ended.slice(0, mostNamed) });
}

type Refusal = RefusedMessage['refused'] | 'not_ended' | 'not_failed';

const conflicts: Record<
  Exclude<Refusal, 'conversation_not_found' | 'message_not_found' | 'conversation_busy' | 'budget_exhausted'>,
  string
> = {
  conversation_archived: 'The conversation is archived. Restore it (is_archived: false) to go on.',
  not_begun: 'The message waits in the queue. Cancel its turn, and send another message.',
  not_ended: 'The turn has not ended. Wait for it, or cancel it.',
  not_failed: 'The turn has an answer. To get another one, regenerate its message.',
};

/** Why a turn was not accepted, as the API says it. */
export function refusal(reason: Refusal): PerdureError {
  if (reason === 'conversation_not_found') return notFound('conversation');
  if (reason === 'message_not_found') return notFound('message');
  if (reason === 'budget_exhausted')
    return new PerdureError(
      reason,
      'What this workspace, agent or user may cost this month is used up: GET /budgets says which budget. Raise its ' +
        'amount (PUT /budgets/{name}), have it notify only, or wait for the next month.',
    );
  if (reason !== 'conversation_busy') return new PerdureError('conflict', conflicts[reason]);
  return new PerdureError(
    reason,
    'Another turn of this conversation is under way. Send on_busy "queue" to wait for it, or "replace" to end it.',
  );
}
