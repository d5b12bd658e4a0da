import { workflowIds } from '../../../contracts/names/workflows.ts';
import { query } from '../../../entities/sql.ts';
import type { ProxiedStack } from './proxied-stack.ts';

const latestEvents = 12;

/** Where a turn stands, in its row, its calls, and its conversation's workflow: for a finding about one that does not end. */
export async function describeTurn(
  { database, temporal }: Pick<ProxiedStack, 'database' | 'temporal'>,
  conversationId: string,
): Promise<string> {
  const turns = await database.asOperator((em) =>
    query<{ turn: unknown }>(
      em,
      `select jsonb_build_object('id', t.id, 'number', t.number, 'state', t.state, 'step', t.step, 'attempt', t.attempt,
                'activity', t.activity_id, 'activity_attempt', t.activity_attempt, 'run', t.run_id,
                'leased_until', t.leased_until, 'updated_at', t.updated_at, 'cancel', t.cancel_requested_at,
                'calls', (select jsonb_agg(c.tool_name || ' ' || c.state) from tool_calls c where c.turn_id = t.id)) as turn
       from turns t where t.conversation_id = $1 and t.state not in ('completed', 'failed', 'cancelled')
       order by t.number`,
      [conversationId],
    ),
  );
  const handle = temporal.workflow.getHandle(workflowIds.conversation(conversationId));
  const { raw, runId, status } = await handle.describe();
  const { events } = await handle.fetchHistory();
  const kinds = (events ?? []).slice(-latestEvents).map((event) => {
    const kind = Object.keys(event).find((key) => key.endsWith('Attributes')) ?? '';
    return `${Number(event.eventId)} ${kind} ${JSON.stringify(event.workflowTaskFailedEventAttributes?.failure?.message ?? '')}`;
  });
  const pending = { activities: raw.pendingActivities, task: raw.pendingWorkflowTask };
  return JSON.stringify({ turns: turns.map(({ turn }) => turn), runId, status: status.name, pending, kinds });
}
