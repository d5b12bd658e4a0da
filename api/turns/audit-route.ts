import type { EntityManager } from '@mikro-orm/postgresql';
import { idParamsSchema } from '../../contracts/fields.ts';
import { turnAuditSchema, type TurnAudit } from '../../contracts/turn-audit.ts';
import { findMessage } from '../../entities/conversations/message-repository.ts';
import { readPromptReferences } from '../../entities/conversations/prompt-reference-repository.ts';
import { listToolCalls } from '../../entities/conversations/tool-call-view-repository.ts';
import {
  readAuditedEvents,
  readAuditedSteps,
  readAuditedTurn,
  readAuditedUsage,
  sumTurnUsage,
} from '../../entities/conversations/turn-audit-repository.ts';
import { listCitations, type TurnRow } from '../../entities/conversations/turn-repository.ts';
import { presentMessage } from '../conversations/present-message.ts';
import { defineRoute, type RouteDeps } from '../framework/route.ts';
import { notFound } from '../framework/validate-request.ts';
import { presentToolCall } from '../tool-calls/present-tool-call.ts';
import { findVisibleTurn } from './find-visible-turn.ts';
import { presentEvent, presentInterruptions, presentStep, presentUsageRow } from './present-audit.ts';
import { presentTurn } from './present-turn.ts';

// Above what a turn can ask for: 1,000 steps of 64 calls at once would be a turn of days.
const mostCalls = 64_000;

/** `GET /turns/{id}/audit`: everything that is known of a turn. */
export const auditRoute = defineRoute({
  method: 'GET',
  path: '/turns/{id}/audit',
  tag: 'Turns',
  summary: 'All that is known of a turn: versions, prompts, passages, calls of tools, tokens, cost, interruptions',
  description:
    'Each step shows its prompt exactly as the model was sent it (`is_exact` proves it by the hash that was stored), the ' +
    'calls of tools with who approved what, and a usage row for each attempt. `interruptions` tells where a crash broke ' +
    'an attempt off, `temporal` where the history of the workflow is.',
  scope: 'conversations:read',
  params: idParamsSchema,
  responses: { 200: turnAuditSchema },
  transaction: async (em, { params, user }, deps) => {
    const turn = await findVisibleTurn(em, params.id, user);
    return { status: 200, body: await readAudit(em, turn, deps) };
  },
});

async function readAudit(em: EntityManager, turn: TurnRow, deps: RouteDeps): Promise<TurnAudit> {
  const rest = await readAuditedTurn(em, turn.id);
  if (!rest) throw notFound('turn');
  const { user, agent_name: agentName, templates, ...more } = rest;
  const steps = await readAuditedSteps(em, turn.id);
  const usage = await readAuditedUsage(em, turn.id);
  const events = await readAuditedEvents(em, turn.id);
  const prompts = deps.seePrompts(await readPromptReferences(em, turn.id));
  const every = { conversationId: null, state: null, userId: null, after: null, limit: mostCalls };
  const calls = (await listToolCalls(em, { turnId: turn.id, ...every })).map(presentToolCall);
  const question = await readMessage(em, turn.user_message_id);
  if (!question) throw notFound('turn');
  const known = new Set(steps.map(({ step }) => step));
  return {
    format: 1,
    turn: { ...presentTurn(turn), ...more },
    user,
    versions: {
      agent: { id: turn.agent_id, name: agentName, version: turn.agent_version },
      prompt_templates: templates,
    },
    question,
    answer: turn.assistant_message_id ? await readMessage(em, turn.assistant_message_id) : null,
    steps: steps.map((row) => presentStep(row, { prompt: prompts.get(row.step), calls, usage })),
    interruptions: presentInterruptions(events),
    totals: await sumTurnUsage(em, turn.id),
    other_usage: usage.filter(({ step }) => step === null || !known.has(step)).map(presentUsageRow),
    temporal: {
      namespace: deps.temporal.options.namespace,
      workflow_id: turn.workflow_id,
      run_id: turn.run_id,
      url: deps.historyUrl(turn.workflow_id, turn.run_id),
    },
    events: events.map(presentEvent),
  };
}

async function readMessage(em: EntityManager, id: string) {
  const message = await findMessage(em, id);
  return message && presentMessage(message, await listCitations(em, [id]));
}
