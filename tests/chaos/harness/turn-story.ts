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
  readonly #word: string;
  readonly #findings: Findings = [];
  #conversationId = '';
  #turnId = '';
  #text = '';
  #resets = 0;
  #ended = '';

  constructor(stack: ProxiedStack, name: TurnStoryName, word: string) {
    this.#stack = stack;
    this.#name = name;
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
  }

  async act(): Promise<void> {
    const { api } = this.#stack;
    const { turn } = await api.request<{ turn: { id: string } }>(
      'POST',
      `/conversations/${this.#conversationId}/messages`,
      { content: `Question ${this.#word}`, client_message_id: this.#word },
      `message-${this.#word}`,
    );
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
    if (messages.length - answers.length !== 1 || answers.length !== 1)
      findings.push(`The conversation has ${messages.length - answers.length} questions and ${answers.length} answers`);
    if (answers[0]?.content !== this.#text) findings.push('The client shows other text than is stored');
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
      query<{ id: string }>(em, `select id from turns where conversation_id = $1`, [this.#conversationId]),
    );
    this.#turnId = row?.id ?? '';
  }

  async #messages(): Promise<Array<{ sender: string; content: string }>> {
    return this.#stack.database.asOperator((em) =>
      query(em, `select sender, content from messages where conversation_id = $1 order by sequence`, [
        this.#conversationId,
      ]),
    );
  }
}
