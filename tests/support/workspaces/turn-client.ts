import type { Client } from '@temporalio/client';
import { v7 } from 'uuid';
import { workflowIds } from '../../../contracts/names/workflows.ts';
import {
  acceptMessage,
  listMessages,
  type MessageRow,
} from '../../../entities/conversations/conversation-repository.ts';
import { query } from '../../../entities/sql.ts';
import { readTurnEvents, type TurnEventRow } from '../../../entities/conversations/turn-event-repository.ts';
import { findTurn, requestCancel, type TurnRow } from '../../../entities/conversations/turn-repository.ts';
import type { Database } from '../../../platform/database.ts';
import { createWorkStarter } from '../../../platform/work-starter.ts';
import type { TestWorkspace } from './create-workspace.ts';
import { until } from '../until.ts';

/** Does what the API does with messages, without HTTP. */
export function turnClient(database: Database, client: Client, workspace: TestWorkspace, conversationId: string) {
  const starter = createWorkStarter(client);
  const inWorkspace = <T>(work: Parameters<typeof database.inWorkspace<T>>[1]) =>
    database.inWorkspace(workspace.workspaceId, work);
  const committed = (turnId: string) => ({ ...workspace, conversationId, turnId });
  const self = {
    /** Commits a message with its turn; the workflow knows nothing of it yet. */
    async accept(content: string, clientMessageId: string | null = null): Promise<string> {
      const accepted = await inWorkspace((em) =>
        acceptMessage(em, {
          workspaceId: workspace.workspaceId,
          conversationId,
          messageId: v7(),
          turnId: v7(),
          workflowId: workflowIds.conversation(conversationId),
          clientMessageId,
          content,
        }),
      );
      if ('refused' in accepted) throw new Error(accepted.refused);
      return accepted.turnId;
    },
    submit: (turnId: string) => starter.submitTurn(committed(turnId)),
    async send(content: string, clientMessageId: string | null = null): Promise<string> {
      const turnId = await self.accept(content, clientMessageId);
      await self.submit(turnId);
      return turnId;
    },
    async cancel(turnId: string): Promise<void> {
      await inWorkspace((em) => requestCancel(em, turnId));
      await starter.cancelTurn(committed(turnId));
    },
    async turn(turnId: string): Promise<TurnRow> {
      const turn = await inWorkspace((em) => findTurn(em, turnId));
      if (!turn) throw new Error(`There is no turn ${turnId}`);
      return turn;
    },
    ended: (turnId: string, timeoutMs = 20_000): Promise<TurnRow> =>
      until(
        async () => {
          const turn = await self.turn(turnId);
          return ['completed', 'failed', 'cancelled'].includes(turn.state) ? turn : null;
        },
        { what: `the end of turn ${turnId}`, timeoutMs },
      ),
    async events(turnId: string): Promise<TurnEventRow[]> {
      const rows = await database.asOperator((em) =>
        readTurnEvents(em, [{ workspaceId: workspace.workspaceId, turnId, after: 0 }], 100_000),
      );
      return rows.map((row) => row.event);
    },
    messages: (): Promise<MessageRow[]> => inWorkspace((em) => listMessages(em, conversationId, 0, 10_000)),
    usage: (turnId: string) =>
      inWorkspace((em) =>
        query<{ id: string; state: string; attempt: number; total_tokens: number | null; cost: string | null }>(
          em,
          `select id, state, attempt, total_tokens, cost from usage_metrics where turn_id = $1 order by attempt`,
          [turnId],
        ),
      ),
  };
  return self;
}

/** The text that a watcher shows after these events: a reset drops what came before. */
export function shownText(events: readonly TurnEventRow[]): string {
  let text = '';
  for (const event of events) {
    if (event.kind === 'reset') text = '';
    if (event.kind === 'text_delta') text += String(event.data['text']);
  }
  return text;
}
