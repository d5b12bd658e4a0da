/**
 * Kinds of rows in `turn_events` and of SSE events on `GET /turns/{id}/events`. The `id:` of an event is its `seq`.
 * `reset` says that a crash discarded the text since the turn began: a client drops the text it has shown, and gets what
 * earlier steps have said again. Calls of tools are not undone by it.
 */
export const turnEventKinds = [
  'turn_started',
  'step_started',
  'text_delta',
  'reasoning_delta',
  'tool_call_proposed',
  'approval_required',
  'approval_decided',
  'tool_call_started',
  'tool_call_result',
  'needs_review',
  'retrying',
  'model_fallback',
  'warning',
  'reset',
  'citation',
  'usage',
  'done',
  'error',
  'cancelled',
] as const;

export type TurnEventKind = (typeof turnEventKinds)[number];

/** Kinds after which a turn has no further event. */
export const finalTurnEventKinds: readonly TurnEventKind[] = ['done', 'error', 'cancelled'];
