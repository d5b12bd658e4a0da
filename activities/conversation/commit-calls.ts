import { needsApproval } from '../../domain/tools/needs-approval.ts';
import type { OpenCall } from '../../contracts/names/workflows.ts';
import type { ToolCall } from '../../providers/chat-model.ts';
import type { Tool, ToolDefinition } from '../../providers/tool.ts';
import { validateArguments } from '../../providers/tools/arguments/validate-arguments.ts';
import {
  listOpenCalls,
  noteWaiting,
  writeCalls,
  type ProposedCall,
} from '../../entities/conversations/tool-call-repository.ts';
import {
  appendEventsUnderLock,
  lockConversationAndTurn,
  type EventToAppend,
} from '../../entities/conversations/turn-outcome-repository.ts';
import { finishStep } from '../../entities/conversations/turn-step-repository.ts';
import { settleUsage, unknownUsage } from '../../entities/conversations/turn-usage-repository.ts';
import { presentOpenCall, type Attempt } from './begin-attempt.ts';
import { approvalIdOf, hashArguments, toolCallIdOf } from './call-id.ts';
import { usageEvent } from './commit-answer.ts';
import type { ConversationDeps } from './conversation-deps.ts';
import type { ModelCall } from './plan-model-call.ts';
import type { StreamedAnswer } from './stream-answer.ts';
import { fenced } from './turn-failure.ts';

// What a model asks for at once; a fault of a model must not fill the ledger.
const mostCallsAtOnce = 64;

/**
 * Commits a step in which the model asked for tools: its text and usage, the calls with their approvals, their events.
 * Returns the calls that have no result yet: one that cannot be run has one at once, the reason.
 */
export async function commitCalls(
  deps: ConversationDeps,
  attempt: Attempt,
  call: ModelCall,
  answer: StreamedAnswer,
): Promise<OpenCall[]> {
  const { turnId, step } = attempt;
  const calls = answer.toolCalls.map((asked, position) => propose(deps, attempt, call.tools, asked, position));
  const open = await deps.database.inWorkspace(attempt.workspaceId, async (em) => {
    const turn = await lockConversationAndTurn(em, attempt.conversationId, turnId);
    if (turn?.state !== 'running' || turn.attempt !== attempt.attempt || turn.step !== step) throw fenced();
    const finished = await finishStep(em, {
      ...{ turnId, step, attempt: attempt.attempt },
      response: {
        text: answer.text,
        finish_reason: answer.finish,
        model: answer.responseModel,
        tool_calls: answer.toolCalls,
      },
    });
    if (!finished) throw fenced();
    await settleUsage(em, answer.callId, answer.usage ?? unknownUsage, { wasAnswered: true });
    await writeCalls(em, attempt, calls);
    await appendEventsUnderLock(em, attempt, [usageEvent(attempt, answer), ...calls.flatMap(eventsOf(step))]);
    await noteWaiting(em, turnId);
    return listOpenCalls(em, turnId);
  });
  deps.wakeTurns([turnId]);
  return open.map(presentOpenCall);
}

function propose(
  deps: ConversationDeps,
  attempt: Attempt,
  tools: readonly Tool[],
  asked: ToolCall,
  position: number,
): ProposedCall {
  const id = toolCallIdOf(attempt.turnId, attempt.step, position);
  const definition = tools.find((tool) => tool.definition.name === asked.name)?.definition;
  const base = { id, position, providerCallId: asked.id, toolName: asked.name };
  const invalid = (code: string, detail: string): ProposedCall => ({
    ...base,
    toolType: definition?.type ?? null,
    toolId: definition?.id ?? null,
    toolVersion: definition?.version ?? null,
    effect: definition?.effect ?? 'read',
    idempotent: definition?.idempotent ?? true,
    timeoutMs: definition?.timeoutMs ?? 1,
    maxResultBytes: definition?.maxResultBytes ?? 1,
    arguments: null,
    argumentsHash: hashArguments(asked.arguments),
    invalid: { code, detail },
    approval: null,
  });
  if (position >= mostCallsAtOnce)
    return invalid('too_many_calls', `Only ${mostCallsAtOnce} calls can be made at once. Ask for this one again.`);
  if (!definition) {
    const names = tools.map((tool) => tool.definition.name).join(', ');
    return invalid('unknown_tool', `There is no tool "${asked.name}". There are: ${names || 'none'}.`);
  }
  const read = validateArguments(definition.parameters, asked.arguments);
  if ('reason' in read) return invalid('invalid_arguments', read.reason);
  const given = read.arguments;
  const mustAsk = needsApproval(definition.approval, given);
  return {
    ...base,
    toolType: definition.type,
    toolId: definition.id,
    toolVersion: definition.version,
    effect: definition.effect,
    idempotent: definition.idempotent,
    timeoutMs: definition.timeoutMs,
    maxResultBytes: definition.maxResultBytes,
    arguments: given,
    argumentsHash: hashArguments(given),
    invalid: null,
    approval: mustAsk
      ? { id: approvalIdOf(id), expiresAt: new Date(Date.now() + waitMsOf(definition, deps.approvalMs)) }
      : null,
  };
}

function waitMsOf({ approval }: ToolDefinition, usualMs: number): number {
  const seconds = approval.mode === 'never' ? undefined : approval.expires_after_seconds;
  return seconds === undefined ? usualMs : seconds * 1000;
}

const eventsOf =
  (step: number) =>
  (call: ProposedCall): EventToAppend[] => {
    const proposed: EventToAppend = {
      kind: 'tool_call_proposed',
      data: {
        call_id: call.id,
        provider_call_id: call.providerCallId,
        step,
        position: call.position,
        name: call.toolName,
        arguments: call.arguments,
        effect: call.effect,
      },
    };
    if (call.invalid)
      return [
        proposed,
        {
          kind: 'tool_call_result',
          data: { call_id: call.id, state: 'invalid', truncated: false, preview: call.invalid.detail },
        },
      ];
    if (!call.approval) return [proposed];
    return [
      proposed,
      {
        kind: 'approval_required',
        data: {
          call_id: call.id,
          approval_id: call.approval.id,
          arguments_hash: call.argumentsHash,
          expires_at: call.approval.expiresAt.toISOString(),
        },
      },
    ];
  };
