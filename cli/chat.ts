import { createInterface, type Interface } from 'node:readline';
import { parseArgs } from 'node:util';
import { AnswerView } from './answer-view.ts';
import { decideCall } from './approvals.ts';
import { createConversation, sendMessage } from './ask.ts';
import { CliError } from './cli-error.ts';
import type { Command, CommandContext } from './command.ts';
import { followTurn, whyNoAnswer } from './follow-turn.ts';
import { ToolCallNotes, type WaitingCall } from './tool-call-notes.ts';

/** `perdure chat`: a conversation in the terminal, with approvals where they are asked for. */
export const chat: Command = {
  name: 'chat',
  summary: 'Talk with an agent in the terminal',
  usage: `Usage: perdure chat [--conversation ID] [--agent NAME] [--user NAME]

  --conversation ID   go on with an earlier conversation
  --agent NAME        the agent of a new conversation (default: assistant)
  --user NAME         the end user of a new conversation

One line is one message. A call of a tool that needs approval is asked for where it comes up: yes, no, or later (see
perdure approvals). Ctrl-C cancels the answer, unless it waits for an approval that was put off, and ends the chat where
none is under way; so does Ctrl-D.`,
  async run(context) {
    const { values } = parseArgs({
      args: context.args,
      options: { conversation: { type: 'string' }, agent: { type: 'string' }, user: { type: 'string' } },
    });
    const conversationId = values.conversation ?? (await createConversation(context, values));
    const { terminal, signal } = context;
    const keyboard = new Keyboard(context);
    try {
      terminal.note(terminal.noteStyle('dim', `Conversation ${conversationId}. Ctrl-D ends it.`));
      for (;;) {
        const line = await keyboard.ask('> ');
        if (line === null) return signal.aborted ? 130 : 0;
        if (line.trim() !== '') await talk(context, keyboard, conversationId, line.trim());
      }
    } finally {
      keyboard.close();
    }
  },
};

async function talk(
  context: CommandContext,
  keyboard: Keyboard,
  conversationId: string,
  content: string,
): Promise<void> {
  const { terminal } = context;
  const { turn } = await sendMessage(context, conversationId, content);
  const view = new AnswerView(terminal);
  const notes = new ToolCallNotes();
  const { signal, done } = keyboard.whileAnswering();
  const putOff = new Set<string>();
  const isLeft = () => putOff.size > 0;
  try {
    const last = await followTurn(context, { turnId: turn.id, signal, isLeft }, async (event) => {
      view.take(event);
      if (event.event === 'approval_decided') putOff.delete((event.data as { call_id: string }).call_id);
      const waiting = notes.waitingCall(event);
      const line = notes.lineOf(event);
      if (line === null && waiting === null) return;
      view.interrupt();
      if (line !== null) terminal.note(terminal.noteStyle('dim', line));
      if (waiting && !(await decide(context, keyboard, waiting))) putOff.add(waiting.id);
    });
    view.finish();
    const reason = whyNoAnswer(last);
    if (reason !== null) terminal.note(`${terminal.noteStyle('red', 'error:')} ${reason}`);
  } catch (error) {
    if (!signal.aborted) throw error;
    view.interrupt();
    if (isLeft()) terminal.note(`It goes on once that is decided. To see it: perdure watch ${conversationId}`);
  } finally {
    done();
  }
}

/** False when the decision was put off. */
async function decide(context: CommandContext, keyboard: Keyboard, call: WaitingCall): Promise<boolean> {
  const { terminal } = context;
  for (;;) {
    const answer = (await keyboard.ask(`May it run ${call.shown}? [y]es, [n]o, [l]ater: `))?.trim().toLowerCase();
    if (answer === undefined || /^l(?:ater)?$/.test(answer)) {
      terminal.note(`It waits: perdure approvals approve ${call.id}`);
      // Whoever ends the answer or the input while asked has put nothing off.
      return answer === undefined;
    }
    const decision = /^y(?:es)?$/.test(answer) ? 'approve' : /^n(?:o)?$/.test(answer) ? 'deny' : null;
    if (decision === null) continue;
    try {
      await decideCall(context, { callId: call.id, decision, argumentsHash: call.argumentsHash });
    } catch (error) {
      // Somebody else was faster, or it has expired: the stream tells what became of it.
      if (!(error instanceof CliError)) throw error;
      terminal.note(error.message);
    }
    return true;
  }
}

/** The lines that a person types, and what Ctrl-C means at the moment. */
class Keyboard {
  readonly #lines: Interface;
  readonly #terminal: CommandContext['terminal'];
  readonly #waiting: string[] = [];
  #asked: ((line: string | null) => void) | null = null;
  #isOver = false;
  #answering: AbortController | null = null;

  constructor({ input, terminal, signal }: CommandContext) {
    const isTerminal = (input as { isTTY?: boolean }).isTTY ?? false;
    this.#terminal = terminal;
    this.#lines = createInterface({ input, ...(isTerminal && { output: terminal.prompts, terminal: true }) });
    this.#lines.on('line', (line) => this.#take(line));
    this.#lines.on('close', () => this.#end());
    this.#lines.on('SIGINT', () => this.#interrupt());
    signal.addEventListener('abort', () => {
      this.#answering?.abort();
      this.#end();
    });
  }

  /** The next line; null when there will be none. */
  async ask(prompt: string): Promise<string | null> {
    const line = this.#waiting.shift();
    if (line !== undefined) return line;
    if (this.#isOver) return null;
    if (this.#terminal.interactive) {
      this.#lines.setPrompt(prompt);
      this.#lines.prompt();
    }
    return new Promise((resolve) => {
      this.#asked = resolve;
    });
  }

  /** From now until `done`, Ctrl-C aborts the signal and ends nothing else. */
  whileAnswering(): { signal: AbortSignal; done: () => void } {
    const answering = new AbortController();
    this.#answering = answering;
    return { signal: answering.signal, done: () => (this.#answering = null) };
  }

  close(): void {
    this.#lines.close();
  }

  #take(line: string): void {
    const asked = this.#asked;
    this.#asked = null;
    if (asked) asked(line);
    else this.#waiting.push(line);
  }

  #interrupt(): void {
    // Pressed again while the first one is at work: that is meant for the chat.
    if (!this.#answering || this.#answering.signal.aborted) return this.#lines.close();
    this.#answering.abort(new Error('interrupted'));
    // A question about an approval is over with its turn.
    this.#asked?.(null);
    this.#asked = null;
  }

  #end(): void {
    this.#isOver = true;
    this.#asked?.(null);
    this.#asked = null;
  }
}
