import type { Conversation } from '../../contracts/conversation.ts';
import type { ConversationExport } from '../../contracts/conversation-export.ts';
import { describePlace } from '../../contracts/describe-place.ts';
import type { Citation, Message } from '../../contracts/message.ts';

/** Writes a branch as Markdown: questions as quotations, answers as they are, with their sources below. */
export function writeMarkdown(
  conversation: Conversation,
  messages: readonly Message[],
  turns: ConversationExport['turns'],
): string {
  const { title, id, user, created_at } = conversation;
  const head = [
    `# ${oneLine(title) || 'Conversation'}`,
    `Conversation ${id} of ${oneLine(user)}, ${shortTime(created_at)}`,
  ];
  const answered = new Set(messages.map((message) => message.parent_id));
  const parts = messages.flatMap((message) => {
    if (message.sender === 'user') return [...writeQuestion(message), ...missingAnswer(message, answered, turns)];
    return writeAnswer(message);
  });
  return `${[...head, ...parts].join('\n\n')}\n`;
}

function writeQuestion({ content, created_at }: Message): string[] {
  const quoted = content.split('\n').map((line) => `> ${line}`.trimEnd());
  return [`## User, ${shortTime(created_at)}`, quoted.join('\n')];
}

function writeAnswer({ content, created_at, citations, metadata }: Message): string[] {
  const mark = metadata['cancelled'] === true ? ' (cancelled)' : '';
  const sources = citations.map(writeSource).join('\n');
  return [
    `## Assistant, ${shortTime(created_at)}${mark}`,
    content,
    ...(sources === '' ? [] : [`Sources:\n\n${sources}`]),
  ];
}

function writeSource(citation: Citation): string {
  const { marker, title, source_url: url, quote } = citation;
  const place = describePlace(citation);
  const where = [oneLine(title), place, url ? `<${url}>` : ''].filter((part) => part !== '').join(', ');
  return `- [${marker}] ${where}: “${oneLine(quote)}”`;
}

function missingAnswer(
  { id }: Message,
  answered: ReadonlySet<string | null>,
  turns: ConversationExport['turns'],
): string[] {
  if (answered.has(id)) return [];
  const turn = turns.findLast((one) => one.user_message_id === id);
  if (!turn) return [];
  return [`*No answer: the turn is ${turn.state}${turn.error ? ` (${turn.error.code}: ${turn.error.detail})` : ''}.*`];
}

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();

function shortTime(time: string): string {
  return `${time.slice(0, 16).replace('T', ' ')} UTC`;
}
