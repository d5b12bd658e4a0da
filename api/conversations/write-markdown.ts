import type { Conversation } from '../../contracts/conversation.ts';
import type { ConversationExport } from '../../contracts/conversation-export.ts';
import { describePlace } from '../../contracts/describe-place.ts';
import type { Citation, Message } from '../../contracts/message.ts';

/** The turn of a question that has no answer, by the question's id. */
export type Unanswered = ReadonlyMap<string, Pick<ConversationExport['turns'][number], 'state' | 'error'>>;

/** The head of a conversation as Markdown. */
export function writeHead({ title, id, user, created_at }: Conversation): string {
  const head = `# ${oneLine(title) || 'Conversation'}`;
  return `${head}\n\nConversation ${id} of ${oneLine(user)}, ${shortTime(created_at)}\n`;
}

/** A message as Markdown, to be put behind what was written before: a question is quoted, an answer has its sources below. */
export function writeMessage(message: Message, unanswered: Unanswered): string {
  const parts =
    message.sender === 'user'
      ? [...writeQuestion(message), ...missingAnswer(message, unanswered)]
      : writeAnswer(message);
  return `\n${parts.join('\n\n')}\n`;
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

function missingAnswer({ id }: Message, unanswered: Unanswered): string[] {
  const turn = unanswered.get(id);
  if (!turn) return [];
  return [`*No answer: the turn is ${turn.state}${turn.error ? ` (${turn.error.code}: ${turn.error.detail})` : ''}.*`];
}

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();

function shortTime(time: string): string {
  return `${time.slice(0, 16).replace('T', ' ')} UTC`;
}
