import { query } from '../../entities/sql.ts';
import type { Check } from './breach.ts';

/**
 * Invariant 4: every user message has exactly one final assistant message, or a turn that is running, waiting, or ended
 * with a stated reason; and what is stored is what was streamed.
 */
export const checkTurns: Check = async ({ em }) => {
  const rows = await query<{ id: string; detail: string }>(
    em,
    `select m.id, 'a user message has no turn' as detail
     from messages m where m.sender = 'user' and not exists (select from turns t where t.user_message_id = m.id)
     union all
     select t.user_message_id, 'its turn is completed without an answer'
     from turns t where t.state = 'completed' and t.assistant_message_id is null
     union all
     select t.user_message_id, 'its turn failed without a reason' from turns t
     where t.state = 'failed' and coalesce(t.error ->> 'code', '') = ''
     union all
     select m.parent_id, 'it has more answers (' || count(*) || ') than turns'
     from messages m where m.sender = 'assistant' and m.parent_id is not null group by m.parent_id
     having count(*) > (select count(*) from turns t where t.user_message_id = m.parent_id)
     union all
     select m.id, 'an answer belongs to no turn'
     from messages m
     where m.sender = 'assistant' and not exists (select from turns t where t.assistant_message_id = m.id)
     union all
     select t.user_message_id, 'its answer is not the text that was streamed'
     from turns t join messages a on a.id = t.assistant_message_id
     where t.state in ('completed', 'cancelled') and a.content is distinct from (
       select coalesce(string_agg(e.data ->> 'text', '' order by e.seq), '') from turn_events e
       where e.turn_id = t.id and e.kind = 'text_delta' and e.seq > coalesce((
         select max(r.seq) from turn_events r where r.turn_id = t.id and r.kind = 'reset'), 0))
     union all
     select t.user_message_id, 'its turn has ended ' || count(e.seq) || ' times'
     from turns t left join turn_events e on e.turn_id = t.id and e.kind in ('done', 'error', 'cancelled')
     where t.state in ('completed', 'failed', 'cancelled') group by t.id, t.user_message_id having count(e.seq) <> 1`,
  );
  return rows.map((row) => ({ invariant: 4, entity: 'message', ...row }));
};
