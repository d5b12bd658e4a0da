import { randomUUID } from 'node:crypto';
import { parseArgs } from 'node:util';
import type { Conversation } from '../contracts/conversation.ts';
import type { Message } from '../contracts/message.ts';
import type { Turn } from '../contracts/turn.ts';
import { AnswerView } from './answer-view.ts';
import { UsageError } from './cli-error.ts';
import type { Command, CommandContext } from './command.ts';
import { followTurn, whyNoAnswer } from './follow-turn.ts';
import { ownName } from './own-name.ts';
import { ToolCallNotes } from './tool-call-notes.ts';

/** `perdure ask`: puts a question to an agent and shows the answer as it comes, then its citations. */
export const ask: Command = {
  name: 'ask',
  summary: 'Ask an agent; the answer streams, its citations follow',
  usage: `Usage: perdure ask "…" [--conversation ID] [--agent NAME] [--user NAME] [--json]

  --conversation ID   go on with an earlier conversation
  --agent NAME        the agent of a new conversation (default: assistant)
  --user NAME         the end user of a new conversation
  --json              one object a line: {"event", "id", "data"}, the first one {"event": "accepted", …}

A broken connection is taken up again where it broke; the answer goes on meanwhile. Ctrl-C cancels it.`,
  async run(context) {
    const { values, positionals } = parseArgs({
      args: context.args,
      allowPositionals: true,
      options: {
        conversation: { type: 'string' },
        agent: { type: 'string' },
        user: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    });
    const question = positionals.join(' ').trim();
    if (question === '') throw new UsageError('What do you want to ask?');
    const conversationId = values.conversation ?? (await createConversation(context, values));
    const accepted = await sendMessage(context, conversationId, question);
    if (values.json) {
      const data = { conversation_id: conversationId, message_id: accepted.message.id, turn_id: accepted.turn.id };
      context.terminal.json({ event: 'accepted', id: null, data });
    }
    return follow(context, { conversationId, turnId: accepted.turn.id, json: values.json });
  },
};

/** Opens a conversation and gives its id. */
export async function createConversation(
  { api, signal }: CommandContext,
  { agent, user }: { agent?: string | undefined; user?: string | undefined },
): Promise<string> {
  const body = { ...(agent === undefined ? {} : { agent }), ...(user === undefined ? {} : { user }) };
  const options = { method: 'POST', body, signal, idempotencyKey: randomUUID() } as const;
  return (await api.request<Conversation>('/conversations', options)).id;
}

/** Sends a message; the turn that answers it is committed. */
export async function sendMessage(
  { api, signal }: CommandContext,
  conversationId: string,
  content: string,
): Promise<{ message: Message; turn: Turn }> {
  const path = `/conversations/${encodeURIComponent(conversationId)}/messages`;
  const body = { content, client_message_id: randomUUID() };
  return api.request(path, { method: 'POST', body, signal, idempotencyKey: randomUUID() });
}

async function follow(
  { api, env, terminal, signal }: CommandContext,
  { conversationId, turnId, json }: { conversationId: string; turnId: string; json: boolean },
): Promise<number> {
  const view = new AnswerView(terminal);
  const notes = new ToolCallNotes();
  const last = await followTurn({ api, terminal }, { turnId, signal }, (event) => {
    if (json) return terminal.json({ event: event.event, id: event.id, data: event.data });
    view.take(event);
    const waiting = notes.waitingCall(event);
    const line = waiting
      ? `${waiting.shown} waits for approval: ${ownName(env)} approvals approve ${waiting.id}`
      : notes.lineOf(event);
    if (line === null) return;
    view.interrupt();
    terminal.note(terminal.noteStyle('dim', line));
  });
  if (!json) view.finish();
  const reason = whyNoAnswer(last);
  if (reason === null) {
    if (!json)
      terminal.note(terminal.noteStyle('dim', `To go on: ${ownName(env)} ask --conversation ${conversationId} "…"`));
    return 0;
  }
  if (!json) terminal.note(`${terminal.noteStyle('red', 'error:')} ${reason}`);
  return 1;
}
