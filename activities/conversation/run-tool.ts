import { setTimeout } from 'node:timers/promises';
import { ApplicationFailure, Context } from '@temporalio/activity';
import type { EntityManager } from '@mikro-orm/postgresql';
import { PerdureError } from '../../contracts/errors.ts';
import { maxToolResultBytes } from '../../contracts/names/limits.ts';
import type { CallInput, CallVerdict } from '../../contracts/names/workflows.ts';
import { endCall, failedCall, isTurnOver, turnOf } from '../../entities/conversations/end-call.ts';
import { readAgentTools } from '../../entities/conversations/turn-attempt-repository.ts';
import {
  leaveToReview,
  lockCall,
  noteWaiting,
  readCallResults,
  releaseCall,
  startCall,
  type CallOutcome,
  type LockedCall,
} from '../../entities/conversations/tool-call-repository.ts';
import { appendEventsUnderLock } from '../../entities/conversations/turn-outcome-repository.ts';
import { readSteps } from '../../entities/conversations/turn-step-repository.ts';
import type { Tool, ToolResult } from '../../providers/tool.ts';
import { ToolError } from '../../providers/tool-error.ts';
import type { ConversationDeps } from './conversation-deps.ts';
import { numberPassages } from './passage-text.ts';
import { storableText } from '../../domain/turns/storable-text.ts';
import { passagesOf } from './taken-steps.ts';
import { toFailure } from './turn-failure.ts';

const heartbeatEveryMs = 1000;
// A tool that is not there is waited for through four repetitions; what still fails then is told to the model.
const mostAttempts = 5;
// The effect has happened: its result is worth waiting for the database.
const persistMs = 30_000;

/** A call that may be run now, with the tool as it was when it was proposed. */
type Startable = { call: LockedCall; tool: Tool; attempts: number };

/** Runs one call of a tool as an activity. */
export function createRunTool(deps: ConversationDeps): (input: CallInput) => Promise<CallVerdict> {
  return async function runTool(input) {
    const context = Context.current();
    const heartbeat = setInterval(() => context.heartbeat(), heartbeatEveryMs);
    try {
      return await runCall(deps, input, context.cancellationSignal);
    } finally {
      clearInterval(heartbeat);
    }
  };
}

/**
 * Runs one call of a tool and writes what it gave. The ledger says `executing` before the effect: a repetition that finds
 * it so runs the call again only where that is harmless, and leaves any other to a person.
 * @throws ApplicationFailure that says when it is to be tried again; the abort reason of `signal`.
 */
export async function runCall(deps: ConversationDeps, input: CallInput, signal: AbortSignal): Promise<CallVerdict> {
  try {
    const claimed = await deps.database.inWorkspace(input.workspaceId, (em) => claim(deps, em, input.callId));
    deps.wakeTurns([input.turnId]);
    if (!('tool' in claimed)) return claimed;
    return await run(deps, claimed, signal);
  } catch (error) {
    signal.throwIfAborted();
    throw toFailure(error);
  }
}

async function claim(deps: ConversationDeps, em: EntityManager, callId: string): Promise<Startable | CallVerdict> {
  const call = await lockCall(em, callId);
  const settled: CallVerdict = { state: 'settled' };
  if (!call) return settled;
  const isOver = isTurnOver(call);
  if (call.state === 'needs_review') return isOver ? settled : { state: 'needs_review' };
  const mayStart = call.state === 'approved' || (call.state === 'proposed' && call.approval_state === null);
  if (call.state === 'executing') {
    if (call.effect === 'write' && !call.idempotent) return review(em, call, isOver, interrupted);
  } else if (!mayStart || isOver) return settled;
  if (call.attempts >= mostAttempts && call.settlement !== 'run_again') {
    await endCall(em, call, failedCall('tool_failed', `The tool was tried ${mostAttempts} times and gave no result.`));
    return settled;
  }
  const references = await readAgentTools(em, call.turn_id);
  const { tool_type: type, tool_id: id, tool_version: version, tool_name: name } = call;
  const tool =
    type === null || id === null
      ? null
      : await deps.tools.open(em, { workspaceId: call.workspace_id, references, call: { type, id, version, name } });
  if (!tool) {
    await endCall(em, call, failedCall('tool_gone', `The tool "${name}" was deleted or switched off.`));
    return settled;
  }
  const attempts = await startCall(em, callId);
  if (call.state !== 'executing')
    await appendEventsUnderLock(em, turnOf(call), [{ kind: 'tool_call_started', data: { call_id: callId } }]);
  await noteWaiting(em, call.turn_id);
  return { call, tool, attempts };
}

const interrupted = {
  code: 'outcome_unknown',
  detail: 'The work was interrupted while this call was under way, and it must not be repeated blindly.',
};

async function run(deps: ConversationDeps, started: Startable, cancelled: AbortSignal): Promise<CallVerdict> {
  const { call, tool, attempts } = started;
  const isRepeatable = call.effect === 'read' || call.idempotent;
  // A write that is under way is waited for, whatever ends meanwhile: only its outcome tells what it has done.
  const signal = call.effect === 'read' ? cancelled : new AbortController().signal;
  let result: ToolResult;
  try {
    result = await tool.run(call.changed_arguments ?? call.arguments ?? {}, {
      callId: call.id,
      workspaceId: call.workspace_id,
      user: { id: call.user_id },
      signal,
    });
  } catch (error) {
    if (signal.aborted) throw error;
    const known = error instanceof ToolError ? error : null;
    const outcome = known?.outcome ?? (error instanceof PerdureError ? 'failed' : 'unknown');
    const detail = error instanceof PerdureError ? error.detail : 'The tool failed in an unexpected way.';
    const code = error instanceof PerdureError ? error.code : 'internal';
    const mayRepeat = outcome === 'not_started' || isRepeatable;
    if (mayRepeat && outcome !== 'failed' && known?.retryable !== false && attempts < mostAttempts) {
      if (outcome === 'not_started') await write(deps, started, (em) => releaseCall(em, call.id));
      throw tryAgain(code, detail, known?.retryAfterMs ?? null);
    }
    if (outcome === 'unknown' && !isRepeatable) {
      await write(deps, started, (em, locked) => review(em, locked, isTurnOver(locked), { code, detail }));
      return { state: 'needs_review' };
    }
    await write(deps, started, (em, locked) => endCall(em, locked, failedCall(code, detail)));
    return { state: 'settled' };
  }
  await write(deps, started, async (em, locked) => endCall(em, locked, await outcomeOf(em, locked, result)));
  return { state: 'settled' };
}

/** Writes about a call that this run has begun, unless a later one has; waits for a database that is away for a while. */
async function write(
  deps: ConversationDeps,
  { call, attempts }: Startable,
  work: (em: EntityManager, locked: LockedCall) => Promise<unknown>,
): Promise<void> {
  const until = Date.now() + persistMs;
  for (let pause = 100; ; pause = Math.min(2 * pause, 3000)) {
    try {
      await deps.database.inWorkspace(call.workspace_id, async (em) => {
        const locked = await lockCall(em, call.id);
        const isOurs = locked?.attempts === attempts && ['executing', 'needs_review'].includes(locked.state);
        if (isOurs) await work(em, locked);
      });
      deps.wakeTurns([call.turn_id]);
      return;
    } catch (error) {
      if (!(error instanceof PerdureError && error.code === 'unavailable') || Date.now() > until) throw error;
      await setTimeout(pause);
    }
  }
}

async function outcomeOf(em: EntityManager, call: LockedCall, result: ToolResult): Promise<CallOutcome> {
  const bytes = Buffer.byteLength(result.content);
  if (bytes > Math.max(maxToolResultBytes, call.max_result_bytes))
    return failedCall(
      'payload_too_large',
      `payload_too_large: the tool gave ${bytes} bytes, more than the ${maxToolResultBytes} that can be kept. Ask for less.`,
    );
  const found = result.passages ?? [];
  const known =
    found.length === 0 ? [] : passagesOf(await readSteps(em, call.turn_id), await readCallResults(em, call.turn_id));
  const changed =
    call.changed_arguments === null
      ? ''
      : `A person changed the arguments before the call to ${JSON.stringify(call.changed_arguments)}.\n`;
  const content = storableText(result.content);
  return {
    state: result.isError ? 'failed' : 'succeeded',
    result: changed + content,
    resultBytes: result.bytes,
    truncated: result.truncated,
    passages: numberPassages(known, found),
    error: result.isError ? { code: 'tool_refused', detail: content.slice(0, 500) } : null,
  };
}

async function review(
  em: EntityManager,
  call: LockedCall,
  isEnded: boolean,
  error: { code: string; detail: string },
): Promise<CallVerdict> {
  await leaveToReview(em, call.id, error);
  if (isEnded) return { state: 'settled' };
  await appendEventsUnderLock(em, turnOf(call), [{ kind: 'needs_review', data: { call_id: call.id } }]);
  await noteWaiting(em, call.turn_id);
  return { state: 'needs_review' };
}

function tryAgain(type: string, message: string, retryAfterMs: number | null): ApplicationFailure {
  return ApplicationFailure.create({
    type,
    message,
    ...(retryAfterMs === null ? {} : { nextRetryDelay: retryAfterMs }),
  });
}
