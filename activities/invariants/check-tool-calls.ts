import { query } from '../../entities/sql.ts';
import type { Check } from './breach.ts';

// A write that is under way when its turn is cancelled is waited for: its time-out, and the writing of what it gave.
const recordedWithinSeconds = 120;

/**
 * Invariant 5, as far as the database alone can tell: no call was run without the approval that it needs, none is left
 * open by a turn that has ended, and a turn waits only where a person is asked. What a service has really done, only its
 * own log tells.
 */
export const checkToolCalls: Check = async ({ em, graceSeconds }) => {
  const rows = await query<{ id: string; entity: string; detail: string }>(
    em,
    `select c.id, 'tool_call' as entity, 'it is ' || c.state || ', but its approval is ' || a.state as detail
     from tool_calls c join approvals a on a.tool_call_id = c.id
     where c.state in ('approved', 'executing', 'succeeded', 'failed', 'needs_review') and a.state <> 'approved'
        or c.state in ('denied', 'expired') and a.state <> c.state
        or c.state = 'proposed' and a.state <> 'waiting'
     union all
     select c.id, 'tool_call', 'it has begun ' || c.attempts || ' times, but it was never run'
     from tool_calls c where c.attempts > 0 and c.state in ('invalid', 'denied', 'expired')
     union all
     select c.id, 'tool_call', 'it is ' || c.state || ', but its turn is ' || t.state
     from tool_calls c join turns t on t.id = c.turn_id
     where t.state in ('completed', 'failed', 'cancelled')
       and (c.state in ('proposed', 'approved')
            or c.state = 'executing'
               and c.updated_at < now() - make_interval(secs => greatest($1, $2 + c.timeout_ms / 1000.0)))
     union all
     select t.id, 'turn', 'it waits, but for no person'
     from turns t
     where t.state = 'waiting' and not exists (
       select from tool_calls c left join approvals a on a.tool_call_id = c.id
       where c.turn_id = t.id and (c.state = 'needs_review' or c.state = 'proposed' and a.state = 'waiting'))`,
    [graceSeconds, recordedWithinSeconds],
  );
  return rows.map((row) => ({ invariant: 5, ...row }));
};
