import type { EntityManager } from '@mikro-orm/postgresql';
import type { Conversation } from '../../contracts/conversation.ts';
import { conversationExportSchema, type ConversationExport } from '../../contracts/conversation-export.ts';
import type { Message } from '../../contracts/message.ts';
import { listMessages } from '../../entities/conversations/conversation-repository.ts';
import {
  listConversationTurns,
  type ConversationTurn,
} from '../../entities/conversations/conversation-turns-repository.ts';
import { listFeedback } from '../../entities/conversations/feedback-repository.ts';
import { listConversationCalls } from '../../entities/conversations/tool-call-view-repository.ts';
import { listCitations } from '../../entities/conversations/turn-repository.ts';
import { presentFeedback } from '../feedback/present-feedback.ts';
import { presentOptionalTime, presentTime } from '../framework/present-time.ts';
import { presentToolCall } from '../tool-calls/present-tool-call.ts';
import { presentMessage } from './present-message.ts';
import { writeHead, writeMessage, type Unanswered } from './write-markdown.ts';

const pageSize = 200;
const {
  messages: messagesSchema,
  turns: turnsSchema,
  tool_calls: callsSchema,
  feedback: feedbackSchema,
} = conversationExportSchema.shape;

/** Reads one page in a transaction of its own; fails once the conversation was deleted. */
export type ReadPage = <T>(read: (em: EntityManager) => Promise<T[]>) => Promise<T[]>;

/**
 * A conversation as JSON, piece by piece: what is kept in memory is one page, and no transaction is open while the client
 * takes it in. @throws when a page cannot be read: what was given by then is no JSON yet.
 */
export async function* exportAsJson(readPage: ReadPage, conversation: Conversation): AsyncGenerator<string> {
  const { id } = conversation;
  yield `{"format":1,"conversation":${JSON.stringify(conversation)}`;
  yield* writeList('messages', messagesOf(readPage, id, false));
  yield* writeList('turns', turnsOf(readPage, id));
  yield* writeList('tool_calls', callsOf(readPage, id));
  yield* writeList('feedback', feedbackOf(readPage, id));
  yield '}';
}

/** The branch that is shown as Markdown, piece by piece like `exportAsJson`. */
export async function* exportAsMarkdown(readPage: ReadPage, conversation: Conversation): AsyncGenerator<string> {
  const unanswered = await findUnanswered(readPage, conversation.id);
  yield writeHead(conversation);
  for await (const page of messagesOf(readPage, conversation.id, true))
    yield page.map((message) => writeMessage(message, unanswered)).join('');
}

async function* writeList(name: string, pages: AsyncIterable<unknown[]>): AsyncGenerator<string> {
  yield `,"${name}":[`;
  let separator = '';
  for await (const page of pages) {
    if (page.length === 0) continue;
    yield separator + page.map((item) => JSON.stringify(item)).join(',');
    separator = ',';
  }
  yield ']';
}

/** All pages that `read` gives, each behind the last row of the one before. */
async function* pagesOf<Row>(
  readPage: ReadPage,
  read: (em: EntityManager, last: Row | undefined) => Promise<Row[]>,
): AsyncGenerator<Row[]> {
  let rows: Row[] = [];
  do {
    const last = rows.at(-1);
    rows = await readPage((em) => read(em, last));
    yield rows;
  } while (rows.length === pageSize);
}

async function* messagesOf(readPage: ReadPage, id: string, isActiveOnly: boolean): AsyncGenerator<Message[]> {
  const pages = pagesOf<Message>(readPage, async (em, last) => {
    const rows = await listMessages(em, id, last?.sequence ?? 0, pageSize, isActiveOnly);
    const ids = rows.map((row) => row.id);
    const citations = await listCitations(em, ids);
    return messagesSchema.parse(rows.map((row) => presentMessage(row, citations)));
  });
  yield* pages;
}

const turnRowsOf = (readPage: ReadPage, id: string): AsyncGenerator<ConversationTurn[]> =>
  pagesOf(readPage, (em, last) => listConversationTurns(em, id, { after: last?.number ?? 0, limit: pageSize }));

async function* turnsOf(readPage: ReadPage, id: string): AsyncGenerator<ConversationExport['turns']> {
  for await (const rows of turnRowsOf(readPage, id))
    yield turnsSchema.parse(
      rows.map(({ number: _number, ...turn }) => ({
        ...turn,
        error: turn.error && { code: turn.error.code, detail: turn.error.detail },
        created_at: presentTime(turn.created_at),
        completed_at: presentOptionalTime(turn.completed_at),
      })),
    );
}

async function* callsOf(readPage: ReadPage, id: string): AsyncGenerator<ConversationExport['tool_calls']> {
  const pages = pagesOf<Awaited<ReturnType<typeof listConversationCalls>>[number]>(readPage, (em, last) => {
    const after = last ? { turnId: last.turn_id, step: last.step, position: last.position } : null;
    return listConversationCalls(em, id, { after, limit: pageSize });
  });
  for await (const rows of pages) yield callsSchema.parse(rows.map(presentToolCall));
}

async function* feedbackOf(readPage: ReadPage, conversationId: string): AsyncGenerator<ConversationExport['feedback']> {
  const every = { messageId: null, conversationId, agentId: null, user: null, visibleTo: null, rating: null };
  const pages = pagesOf<Awaited<ReturnType<typeof listFeedback>>[number]>(readPage, (em, last) => {
    const after = last
      ? { createdMicros: Number(last.created_micros), messageId: last.message_id, user: last.user }
      : null;
    return listFeedback(em, { ...every, after, limit: pageSize });
  });
  for await (const rows of pages) yield feedbackSchema.parse(rows.map(presentFeedback));
}

async function findUnanswered(readPage: ReadPage, id: string): Promise<Unanswered> {
  const unanswered = new Map<string, Pick<ConversationTurn, 'state' | 'error'>>();
  const answered = new Set<string>();
  for await (const rows of turnRowsOf(readPage, id))
    for (const { user_message_id: question, assistant_message_id: answer, state, error } of rows) {
      if (answer !== null) answered.add(question);
      unanswered.set(question, { state, error });
    }
  for (const question of answered) unanswered.delete(question);
  return unanswered;
}
