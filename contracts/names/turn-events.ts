/**
 * Kinds of rows in `turn_events` and of SSE events on `GET /turns/{id}/events`. The `id:` of an event is its `seq`.
 * `reset` says that a crash discarded everything since the turn began: a client drops the text it has shown.
 */
export const turnEventKinds = [
  'turn_started',
  'step_started',
  'text_delta',
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
