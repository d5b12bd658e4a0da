import { createHash } from 'node:crypto';
import type { TurnAudit } from '../../contracts/turn-audit.ts';
import type { AuditedEvent, AuditedStep, AuditedUsage } from '../../entities/conversations/turn-audit-repository.ts';
import type { SeenPrompt } from '../api-deps.ts';
import { presentOptionalTime, presentTime } from '../framework/present-time.ts';

type Step = TurnAudit['steps'][number];
type Passage = Step['passages'][number];

// Told by `prompt`, which follows the references, and by `passages`.
const storedForm = new Set(['format', 'messages', 'extends', 'appended', 'prompt_hash']);

/** A step with the paid calls and the calls of tools that belong to it. */
export function presentStep(
  row: AuditedStep,
  { prompt, calls, usage }: { prompt: SeenPrompt | undefined; calls: Step['tool_calls']; usage: AuditedUsage[] },
): Step {
  const { passages, ...response } = row.response ?? {};
  const isModel = row.kind === 'model';
  return {
    step: row.step,
    kind: row.kind,
    state: row.state,
    attempt: row.attempt,
    started_at: presentTime(row.started_at),
    completed_at: presentOptionalTime(row.completed_at),
    request: isModel
      ? Object.fromEntries(Object.entries(row.request).filter(([name]) => !storedForm.has(name)))
      : row.request,
    prompt: prompt ? presentPrompt(prompt, row.request['prompt_hash']) : null,
    response: row.response && response,
    passages: presentPassages(passages),
    tool_calls: calls.filter(({ step }) => step === row.step),
    usage: usage.filter(({ step }) => step === row.step).map(presentUsageRow),
  };
}

/** A paid call as the audit shows it. */
export function presentUsageRow(row: AuditedUsage): Step['usage'][number] {
  return {
    call_id: row.call_id,
    step: row.step,
    attempt: row.attempt,
    model_id: row.model_id,
    model: row.model,
    state: row.state,
    prompt_tokens: row.prompt_tokens,
    completion_tokens: row.completion_tokens,
    total_tokens: row.total_tokens,
    cost: row.cost,
    currency: row.currency,
    pricing: row.pricing,
    started_at: presentTime(row.started_at),
    settled_at: presentOptionalTime(row.settled_at),
  };
}

/** An event with its moment. */
export function presentEvent({ seq, at, attempt, kind, data }: AuditedEvent): TurnAudit['events'][number] {
  return { seq, at: presentTime(at), attempt, event: kind, data };
}

/** The places where an attempt broke off: each is told to clients by a reset. */
export function presentInterruptions(events: readonly AuditedEvent[]): TurnAudit['interruptions'] {
  return events
    .filter(({ kind }) => kind === 'reset')
    .map(({ attempt, data, at }) => ({ attempt, step: Number(data['step'] ?? 0), at: presentTime(at) }));
}

function presentPrompt(messages: SeenPrompt, stored: unknown): NonNullable<Step['prompt']> {
  const hash = typeof stored === 'string' ? stored : null;
  const shown = createHash('sha256').update(JSON.stringify(messages)).digest('hex');
  return {
    messages: messages.map((message) => ({
      role: message.role,
      content: message.content,
      ...('toolCalls' in message && message.toolCalls && { tool_calls: [...message.toolCalls] }),
      ...('toolCallId' in message && { tool_call_id: message.toolCallId }),
    })),
    hash,
    is_exact: hash === shown,
  };
}

type StoredPassage = {
  n: number;
  documentId: string;
  generation: number;
  chunkIndex: number;
  title: string;
  startChar: number;
  endChar: number;
  score: number;
  content: string;
};

function presentPassages(stored: unknown): Passage[] {
  // Written by the turn's activities alone, so that their form is known.
  return (Array.isArray(stored) ? (stored as StoredPassage[]) : []).map((passage) => ({
    n: passage.n,
    document_id: passage.documentId,
    generation: passage.generation,
    chunk_index: passage.chunkIndex,
    title: passage.title,
    start_char: passage.startChar,
    end_char: passage.endChar,
    score: passage.score,
    content: passage.content,
  }));
}
