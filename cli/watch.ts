import { parseArgs } from 'node:util';
import { finalTurnEventKinds } from '../contracts/names/turn-events.ts';
import { AnswerView } from './answer-view.ts';
import { UsageError } from './cli-error.ts';
import type { Command, CommandContext } from './command.ts';
import { followEvents, type StreamEvent } from './event-stream.ts';
import { whyNoAnswer } from './follow-turn.ts';
import { ownName } from './own-name.ts';
import { safeText } from './safe-text.ts';
import { ToolCallNotes } from './tool-call-notes.ts';

/** `perdure watch`: shows what happens in a conversation, whoever makes it happen. */
export const watch: Command = {
  name: 'watch',
  summary: 'Show what happens in a conversation, as it happens',
  usage: `Usage: perdure watch CONVERSATION [--all] [--json]

  --all    from the first turn on; without it, from the turns that have not ended
  --json   one object a line: {"event", "id", "data"}

It changes nothing, and goes on until Ctrl-C or until the conversation is deleted.`,
  async run(context) {
    const { values, positionals } = parseArgs({
      args: context.args,
      allowPositionals: true,
      options: { all: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
    });
    const [conversationId, ...others] = positionals;
    if (conversationId === undefined || others.length > 0) throw new UsageError('Which conversation? Give its id.');
    const { api, signal, terminal } = context;
    const path = `/conversations/${encodeURIComponent(conversationId)}/events?from=${values.all ? 'beginning' : 'now'}`;
    const show = values.json
      ? ({ event, id, data }: StreamEvent) => terminal.json({ event, id, data })
      : createView(context);
    for await (const event of followEvents(api, path, { isFinal: ({ event: kind }) => kind === 'deleted', signal }))
      show(event);
    return 0;
  },
};

type Shown = { answer: AnswerView; notes: ToolCallNotes };

function createView({ terminal, env }: CommandContext): (event: StreamEvent) => void {
  const turns = new Map<string, Shown>();
  const note = (line: string): void => terminal.note(terminal.noteStyle('dim', line));
  const shownOf = (turnId: string): Shown => {
    const shown = turns.get(turnId) ?? { answer: new AnswerView(terminal), notes: new ToolCallNotes() };
    turns.set(turnId, shown);
    return shown;
  };
  return (event) => {
    if (event.event === 'deleted') return note('The conversation was deleted.');
    if (event.event === 'turn_accepted')
      return terminal.line(`> ${safeText((event.data as { content: string }).content)}`);
    const { turn_id: turnId } = event.data as { turn_id: string };
    const { answer, notes } = shownOf(turnId);
    answer.take(event);
    if (finalTurnEventKinds.some((kind) => kind === event.event)) {
      turns.delete(turnId);
      answer.finish();
      const reason = whyNoAnswer(event);
      return reason === null ? terminal.line() : note(reason);
    }
    const waiting = notes.waitingCall(event);
    const line = waiting
      ? `${waiting.shown} waits for approval: ${ownName(env)} approvals approve ${waiting.id}`
      : notes.lineOf(event);
    if (line === null) return;
    answer.interrupt();
    note(line);
  };
}
