import { workflowIds } from '../../../contracts/names/workflows.ts';
import { query } from '../../../entities/sql.ts';
import type { PointStory, StoryWork } from './chaos-point.ts';
import { commitOf } from './message-patterns.ts';
import type { Sighting } from './proxies/trap-board.ts';
import type { ProxiedStack } from './proxied-stack.ts';
import type { Findings } from './round-context.ts';
import { settleCall } from './settle-call.ts';
import { prepareStreamingAgent, prepareTurnWorkspace, turnTools } from './turn-workspace.ts';

/** What the agent does with the question: it calls three tools before it answers, or one that only reads, or answers at once. */
export type TurnStoryName = keyof typeof toolsOf;

/** Whether the question is answered for the first time, once more after its answer, or after that was cancelled. */
export type TurnBegin = 'message' | 'regenerate' | 'retry';

type Accepted = { turn: { id: string } };
type Message = { id: string; sender: string; content: string; is_last: boolean };

const toolsOf = { tools: turnTools, reads: ['look_up'], plain: [] } as const;

type Call = {
  id: string;
  tool: { name: string };
  state: string;
  arguments_hash: string;
  attempts: number;
  approval: { state: string } | null;
};

const asks = commitOf('api', /insert into turns/);
const finalKinds = ['done', 'error', 'cancelled'];
// A start takes seconds. Where it takes so long, every process waits for its turn on the machine, and the attempt after the
// hit may be given up as well: at a load of 25, with a worker that was away for 33 s, one was two seconds after its start.
const lateMs = 20_000;
// About three seconds, so that the answer is under way when its conversation hears of the turn.
const plainTokens = 120;

/** One question to an agent, the person who approves one of its calls, and the client who watches. */
export class TurnStory implements PointStory {
  readonly opening: PointStory['opening'];
  readonly #stack: ProxiedStack;
  readonly #name: TurnStoryName;
  readonly #begin: TurnBegin;
  readonly #word: string;
  readonly #findings: Findings = [];
  #conversationId = '';
  #turnId = '';
  /** The address that asks for the turn that is hit, where its question was answered before. */
  #again = '';
  #answersBefore = 0;
  #text = '';
  #resets = 0;
  #ended = '';

  constructor(stack: ProxiedStack, name: TurnStoryName, word: string, begin: TurnBegin = 'message') {
    this.#stack = stack;
    this.#name = name;
    this.#begin = begin;
    this.#word = `t${word}`;
    this.opening = { is: (sighting) => asks(sighting) && this.owns(sighting), learn: () => this.#learnId() };
  }

  owns(sighting: Sighting): boolean {
    return [this.#conversationId, this.#turnId, this.#word].some((text) => text !== '' && sighting.mentions(text));
  }

  async prepare(): Promise<void> {
    const agent =
      this.#name === 'plain'
        ? await prepareStreamingAgent(this.#stack, plainTokens)
        : await prepareTurnWorkspace(this.#stack, toolsOf[this.#name]);
    const { id } = await this.#stack.api.request<{ id: string }>(
      'POST',
      '/conversations',
      { agent, user: 'chaos' },
      `conversation-${this.#word}`,
    );
    this.#conversationId = id;
    if (this.#begin !== 'message') await this.#answerBefore(this.#begin);
  }

  async act(): Promise<void> {
    const { api } = this.#stack;
    const { turn } = this.#again === '' ? await this.#ask() : await this.#askAgain();
    this.#turnId = turn.id;
    const people: Promise<void>[] = [];
    let lastSeq = 0;
    await api.follow(`/turns/${turn.id}/events`, ({ id, kind, data }) => {
      if (Number(id) <= lastSeq) this.#findings.push(`Event ${id} came after ${lastSeq}`);
      lastSeq = Number(id);
      if (kind === 'text_delta') this.#text += String(data['text']);
      if (kind === 'reset') {
        this.#text = '';
        this.#resets += 1;
      }
      if (kind === 'approval_required')
        people.push(this.#approve(String(data['call_id']), String(data['arguments_hash'])));
      if (kind === 'needs_review') people.push(settleCall(this.#stack, api, String(data['call_id'])));
      if (finalKinds.includes(kind)) this.#ended = kind;
      return this.#ended !== '';
    });
    await Promise.all(people);
  }

  async verify(awayMs: number): Promise<Findings> {
    const findings = [...this.#findings];
    if (this.#ended !== 'done') findings.push(`The turn ended with ${this.#ended}`);
    // A hit meets one attempt.
    const mayBeLost = awayMs > lateMs ? 2 : 1;
    if (this.#resets > mayBeLost)
      findings.push(`The client was told ${this.#resets} times to begin anew; paid calls: ${await this.#listCalls()}`);
    const messages = await this.#messages();
    const answers = messages.filter(({ sender }) => sender === 'assistant');
    const own = answers.filter((message) => message.is_last);
    if (messages.length - answers.length !== 1 || answers.length !== this.#answersBefore + 1 || own.length !== 1)
      findings.push(`The conversation has ${messages.length - answers.length} questions and ${answers.length} answers`);
    if (own[0]?.content !== this.#text) findings.push('The client shows other text than is stored');
    const { data: calls } = await this.#stack.api.request<{ data: Call[] }>('GET', `/tool-calls?turn=${this.#turnId}`);
    const names = calls.map(({ tool }) => tool.name).sort();
    if (names.join(' ') !== toolsOf[this.#name].toSorted().join(' '))
      findings.push(`The ledger has calls of ${names.join(', ') || 'no tool'}`);
    for (const call of calls) findings.push(...this.#compare(call));
    return findings;
  }

  async work(): Promise<StoryWork> {
    return { documents: [], workflowIds: [workflowIds.conversation(this.#conversationId)] };
  }

  #ask(): Promise<Accepted> {
    return this.#stack.api.request<Accepted>(
      'POST',
      `/conversations/${this.#conversationId}/messages`,
      { content: `Question ${this.#word}`, client_message_id: this.#word },
      `message-${this.#word}`,
    );
  }

  #askAgain(): Promise<Accepted> {
    return this.#stack.api.request<Accepted>('POST', this.#again, {}, `again-${this.#word}`);
  }

  /** Has the question answered, or cancelled while it is, and keeps how it is to be asked again. */
  async #answerBefore(begin: 'regenerate' | 'retry'): Promise<void> {
    const { api } = this.#stack;
    const { turn } = await this.#ask();
    let isCancelled = false;
    let ended = '';
    await api.follow(`/turns/${turn.id}/events`, ({ kind }) => {
      if (begin === 'retry' && kind === 'text_delta' && !isCancelled) {
        isCancelled = true;
        void api.request('POST', `/turns/${turn.id}/cancel`, {}, `cancel-${this.#word}`);
      }
      if (finalKinds.includes(kind)) ended = kind;
      return ended !== '';
    });
    const wanted = begin === 'retry' ? 'cancelled' : 'done';
    if (ended !== wanted) throw new Error(`The turn before ended with ${ended}, not with ${wanted}`);
    const answers = (await this.#messages()).filter(({ sender }) => sender === 'assistant');
    this.#answersBefore = answers.length;
    this.#again = begin === 'retry' ? `/turns/${turn.id}/retry` : `/messages/${answers[0]?.id}/regenerate`;
  }

  /** The ledger against the service's own log. */
  #compare({ id, tool, state }: Call): Findings {
    const effects = this.#stack.effects.log().filter(({ idempotencyKey, applied }) => idempotencyKey === id && applied);
    const expected = tool.name === 'look_up' ? 0 : 1;
    const findings: Findings = [];
    if (state !== 'succeeded') findings.push(`The call of ${tool.name} is ${state}`);
    if (effects.length !== expected) findings.push(`The call of ${tool.name} took effect ${effects.length} times`);
    return findings;
  }

  async #approve(callId: string, argumentsHash: string): Promise<void> {
    const { api } = this.#stack;
    // Twice is once: the second answer is the first.
    for (const key of ['first', 'second'])
      await api.request('POST', `/tool-calls/${callId}/approve`, { arguments_hash: argumentsHash }, `${key} ${callId}`);
  }

  async #listCalls(): Promise<string> {
    const rows = await this.#stack.database.asOperator((em) =>
      query<{ at: string; step: number; attempt: number; state: string }>(
        em,
        `select to_char(timestamp, 'MI:SS.MS') as at, step, attempt, state from usage_metrics where turn_id = $1
         order by timestamp`,
        [this.#turnId],
      ),
    );
    return rows.map(({ at, step, attempt, state }) => `${at} step ${step} attempt ${attempt} ${state}`).join(', ');
  }

  async #learnId(): Promise<void> {
    const [row] = await this.#stack.database.asOperator((em) =>
      query<{ id: string }>(em, `select id from turns where conversation_id = $1 order by number desc limit 1`, [
        this.#conversationId,
      ]),
    );
    this.#turnId = row?.id ?? '';
  }

  async #messages(): Promise<Message[]> {
    return this.#stack.database.asOperator((em) =>
      query<Message>(
        em,
        `select m.id, m.sender, m.content,
                m.id = (select t.assistant_message_id from turns t where t.conversation_id = $1
                        order by t.number desc limit 1) as is_last
         from messages m where m.conversation_id = $1 order by m.sequence`,
        [this.#conversationId],
      ),
    );
  }
}
