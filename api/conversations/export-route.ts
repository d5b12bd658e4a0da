import type { EntityManager } from '@mikro-orm/postgresql';
import {
  conversationExportSchema,
  exportQuerySchema,
  type ConversationExport,
} from '../../contracts/conversation-export.ts';
import { idParamsSchema } from '../../contracts/fields.ts';
import type { Message } from '../../contracts/message.ts';
import { listMessages } from '../../entities/conversations/conversation-repository.ts';
import { listConversationTurns } from '../../entities/conversations/conversation-turns-repository.ts';
import { listFeedback } from '../../entities/conversations/feedback-repository.ts';
import { listToolCalls } from '../../entities/conversations/tool-call-view-repository.ts';
import { listCitations } from '../../entities/conversations/turn-repository.ts';
import { presentFeedback } from '../feedback/present-feedback.ts';
import { presentOptionalTime, presentTime } from '../framework/present-time.ts';
import { defineRoute } from '../framework/route.ts';
import { presentToolCall } from '../tool-calls/present-tool-call.ts';
import { findVisibleConversation } from './find-visible-conversation.ts';
import { presentConversation } from './present-conversation.ts';
import { presentMessage } from './present-message.ts';
import { writeMarkdown } from './write-markdown.ts';

const pageSize = 500;
const markdown = 'text/markdown; charset=utf-8';

/** `GET /conversations/{id}/export`: the whole conversation, for whoever takes it along. */
export const exportRoute = defineRoute({
  method: 'GET',
  path: '/conversations/{id}/export',
  tag: 'Conversations',
  summary: 'The whole conversation as JSON (all branches, turns, calls of tools, feedback) or as Markdown',
  scope: 'conversations:read',
  params: idParamsSchema,
  query: exportQuerySchema,
  responses: { 200: { json: conversationExportSchema, or: markdown } },
  transaction: async (em, { params, query, user }) => {
    const conversation = presentConversation(await findVisibleConversation(em, params.id, user));
    const turns = (await listConversationTurns(em, params.id)).map((turn) => ({
      ...turn,
      error: turn.error && { code: turn.error.code, detail: turn.error.detail },
      created_at: presentTime(turn.created_at),
      completed_at: presentOptionalTime(turn.completed_at),
    }));
    const isMarkdown = query.format === 'markdown';
    const name = `conversation-${params.id}.${isMarkdown ? 'md' : 'json'}`;
    const headers = { 'content-disposition': `attachment; filename="${name}"` };
    const messages = await readMessages(em, params.id, isMarkdown);
    if (isMarkdown) {
      const text = writeMarkdown(conversation, messages, turns);
      return { status: 200, content: { mediaType: markdown, text }, headers };
    }
    const body: ConversationExport = {
      format: 1,
      conversation,
      messages,
      turns,
      tool_calls: await readToolCalls(em, params.id),
      feedback: await readFeedback(em, params.id),
    };
    return { status: 200, body, headers };
  },
});

async function readMessages(em: EntityManager, conversationId: string, isActiveOnly: boolean): Promise<Message[]> {
  const messages: Message[] = [];
  for (;;) {
    const rows = await listMessages(em, conversationId, messages.at(-1)?.sequence ?? 0, pageSize, isActiveOnly);
    const ids = rows.map(({ id }) => id);
    const citations = await listCitations(em, ids);
    messages.push(...rows.map((row) => presentMessage(row, citations)));
    if (rows.length < pageSize) return messages;
  }
}

async function readToolCalls(em: EntityManager, conversationId: string): Promise<ConversationExport['tool_calls']> {
  const every = { turnId: null, conversationId, state: null, userId: null, limit: pageSize };
  const byTurn: ConversationExport['tool_calls'][] = [];
  let after: Parameters<typeof listToolCalls>[1]['after'] = null;
  for (;;) {
    const rows = await listToolCalls(em, { ...every, after });
    for (const row of rows) {
      if (byTurn.at(-1)?.[0]?.turn_id !== row.turn_id) byTurn.push([]);
      byTurn.at(-1)!.push(presentToolCall(row));
    }
    const last = rows.at(-1);
    // They come with the newest turn first.
    if (!last || rows.length < pageSize) return byTurn.toReversed().flat();
    after = { turnId: last.turn_id, step: last.step, position: last.position };
  }
}

async function readFeedback(em: EntityManager, conversationId: string): Promise<ConversationExport['feedback']> {
  const every = { messageId: null, conversationId, agentId: null, user: null, visibleTo: null, rating: null };
  const found: ConversationExport['feedback'] = [];
  let after: Parameters<typeof listFeedback>[1]['after'] = null;
  for (;;) {
    const rows = await listFeedback(em, { ...every, after, limit: pageSize });
    found.push(...rows.map(presentFeedback));
    const last = rows.at(-1);
    if (!last || rows.length < pageSize) return found;
    after = { createdMicros: Number(last.created_micros), messageId: last.message_id, user: last.user };
  }
}
