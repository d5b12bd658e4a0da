/**
 * Where a call of a tool is. `proposed` waits for a person or for its run, `needs_review` for a person who finds out what
 * happened; `invalid`, `denied`, `expired`, `succeeded`, `failed` and `cancelled` are final.
 */
export type ToolCallState =
  | 'invalid'
  | 'proposed'
  | 'approved'
  | 'denied'
  | 'expired'
  | 'executing'
  | 'succeeded'
  | 'failed'
  | 'needs_review'
  | 'cancelled';
