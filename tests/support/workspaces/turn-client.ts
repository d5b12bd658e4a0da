import type { Client } from '@temporalio/client';
import { v7 } from 'uuid';
import { seePrompts } from '../../../activities/conversation/prompt/see-prompts.ts';
import { createSweepTurns } from '../../../activities/upkeep/sweep-turns.ts';
import { workflowIds } from '../../../contracts/names/workflows.ts';
import {
  acceptMessage,
  listMessages,
  type MessageRow,
} from '../../../entities/conversations/conversation-repository.ts';
import { decideCall, settleCall, type CallSettlement } from '../../../entities/conversations/decide-call.ts';
import { readPromptReferences } from '../../../entities/conversations/prompt-reference-repository.ts';
import { query } from '../../../entities/sql.ts';
import { readTurnEvents, type TurnEventRow } from '../../../entities/conversations/turn-event-repository.ts';
import { findTurn, requestCancel, type TurnRow } from '../../../entities/conversations/turn-repository.ts';
import type { Database } from '../../../platform/database.ts';
import { createWorkStarter, type WorkStarter } from '../../../platform/work-starter.ts';
import type { TestWorkspace } from './create-workspace.ts';
import { until } from '../until.ts';

/** A call in the ledger, as tests look at it. */
export type CallRow = {
  id: string;
  step: number;
  position: number;
  tool_name: string;
  state: string;
  attempts: number;
  arguments: Record<string, unknown> | null;
  arguments_hash: string;
  result: string | null;
  code: string | null;
  settlement: string | null;
  approval: string | null;
};

type DecisionOptions = {
  by?: string;
  comment?: string | null;
  changed?: Record<string, unknown> | null;
  tell?: boolean;
};

type ConversationStarter = Pick<WorkStarter, 'submitTurn' | 'cancelTurn' | 'decideCall'>;

/** Does what the API does with messages, without HTTP. */
export function turnClient(
  database: Database,
  client: Client,
  workspace: TestWorkspace,
  conversationId: string,
  starter: ConversationStarter = createWorkStarter(client),
) {
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
    /** Calls of a turn in their order, with their approvals. */
    calls: (turnId: string): Promise<CallRow[]> =>
      inWorkspace((em) =>
        query<CallRow>(
          em,
          `select c.id, c.step, c.position, c.tool_name, c.state, c.attempts, c.arguments, c.arguments_hash, c.result,
                  c.error ->> 'code' as code, c.settlement, a.state as approval
           from tool_calls c left join approvals a on a.tool_call_id = c.id
           where c.turn_id = $1 order by c.step, c.position`,
          [turnId],
        ),
      ),
    /** What the model was asked in a step, read back from what is stored of it. */
    async promptOf(turnId: string, step: number): Promise<string> {
      const references = await inWorkspace((em) => readPromptReferences(em, turnId));
      return JSON.stringify(seePrompts(references).get(step));
    },
    /** Waits until a call of the tool is in one of the states. */
    callIn: (turnId: string, tool: string, ...states: string[]): Promise<CallRow> =>
      until(
        async () =>
          (await self.calls(turnId)).find((call) => call.tool_name === tool && states.includes(call.state)) ?? null,
        { what: `${tool} to be ${states.join(' or ')}`, timeoutMs: 30_000 },
      ),
    /** Decides about a call as the API does; `tell: false` leaves the workflow in the dark, as an API that dies does. */
    async decide(
      turnId: string,
      call: Pick<CallRow, 'id' | 'arguments_hash'>,
      decision: 'approved' | 'denied',
      { by = 'eve', comment = null, changed = null, tell = true }: DecisionOptions = {},
    ): Promise<string> {
      const { outcome } = await inWorkspace((em) =>
        decideCall(em, {
          callId: call.id,
          argumentsHash: call.arguments_hash,
          changedArguments: changed,
          ...{ decision, comment, by },
        }),
      );
      if (tell) await starter.decideCall({ ...committed(turnId), callId: call.id });
      return outcome;
    },
    async settle(turnId: string, callId: string, outcome: CallSettlement['outcome'], result: string | null = null) {
      const settled = await inWorkspace((em) => settleCall(em, { callId, outcome, result, by: 'eve' }));
      await starter.decideCall({ ...committed(turnId), callId });
      return settled.outcome;
    },
    /** Lets the sweep look, as it does every few seconds, once it has something to do. */
    sweep: () =>
      until(async () => (await createSweepTurns({ database, ...createWorkStarter(client) })()).swept > 0, {
        what: 'the sweep to find something',
        timeoutMs: 30_000,
        everyMs: 500,
      }),
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
