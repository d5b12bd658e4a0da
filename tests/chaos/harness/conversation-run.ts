import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiClient } from './api-client.ts';
import { describeTurn } from './describe-turn.ts';
import type { ProxiedStack } from './proxied-stack.ts';
import type { Findings } from './round-context.ts';
import type { SeededRandom } from './seeded-random.ts';
import { isConflict, settleCall } from './settle-call.ts';

/** What a person says to a call that waits. */
export type Decision = 'approve' | 'change' | 'deny';

/** One turn as its client saw it. */
export type WatchedTurn = {
  id: string;
  clientMessageId: string;
  text: string;
  /** The attempt that each `reset` named. */
  resets: number[];
  ended: string | null;
  /** Whether somebody has asked for its end. */
  isGivenUp: boolean;
  /** What was decided about its calls, by their ids; a decision that came too late is not among them. */
  decisions: Map<string, Decision>;
};

/** How a turn is watched and what is decided meanwhile. */
export type Watching = {
  /** After so many events the client goes away once and comes back. */
  dropAfter: number | null;
  decide(): Promise<Decision>;
  onEvent?(event: { kind: string; data: Record<string, unknown> }): void;
};

/** What a person writes in place of the model's arguments. */
export const changedOrder = 'changed by a person';

/** One conversation with its client and the people who decide about its calls. */
export class ConversationRun {
  readonly id: string;
  readonly turns: WatchedTurn[] = [];
  readonly findings: Findings = [];
  readonly #stack: ProxiedStack;
  readonly #api: ApiClient;
  readonly #random: SeededRandom;
  readonly #word: string;

  private constructor(stack: ProxiedStack, api: ApiClient, random: SeededRandom, at: { id: string; word: string }) {
    this.#stack = stack;
    this.#api = api;
    this.#random = random;
    this.#word = at.word;
    this.id = at.id;
  }

  /** Begins a conversation with the agent; `word` sets it apart from others. */
  static async begin(
    stack: ProxiedStack,
    api: ApiClient,
    random: SeededRandom,
    { agent, word }: { agent: string; word: string },
  ): Promise<ConversationRun> {
    const key = `conversation-${word}`;
    const { id } = await api.request<{ id: string }>('POST', '/conversations', { agent, user: 'chaos' }, key);
    return new ConversationRun(stack, api, random, { id, word });
  }

  /** Sends messages in ways that the seed chooses, until it is time to stop; then all have ended. */
  async talk(isOver: () => boolean): Promise<void> {
    do {
      const way = this.#random.pick(['one', 'queue', 'cancel', 'replace'] as const);
      if (way === 'one') await this.watch(await this.send(), this.#watching());
      else if (way === 'queue') {
        const turns = [await this.send(), await this.send(), await this.send()];
        await Promise.all(turns.map((turn) => this.watch(turn, this.#watching())));
      } else {
        const turn = await this.send();
        const watched = this.watch(turn, this.#watching());
        // Its failure is thrown where it is awaited.
        watched.catch(() => {});
        await sleep(this.#random.between(50, 1500));
        turn.isGivenUp = true;
        if (way === 'cancel') await this.#api.request('POST', `/turns/${turn.id}/cancel`);
        else await this.watch(await this.send('replace'), this.#watching());
        await watched;
      }
    } while (!isOver());
  }

  /** Sends a message; its turn is committed. */
  async send(onBusy: 'queue' | 'replace' = 'queue'): Promise<WatchedTurn> {
    const clientMessageId = `${this.#word} ${this.turns.length}`;
    const turn: WatchedTurn = {
      ...{ id: '', clientMessageId, text: '', resets: [], ended: null, isGivenUp: false },
      decisions: new Map(),
    };
    this.turns.push(turn);
    const accepted = await this.#api.request<{ turn: { id: string } }>(
      'POST',
      `/conversations/${this.id}/messages`,
      { content: `Question ${clientMessageId}`, client_message_id: clientMessageId, on_busy: onBusy },
      `message-${clientMessageId}`,
    );
    turn.id = accepted.turn.id;
    return turn;
  }

  /** Follows a turn to its end as a client does that shows its text, and lets people decide. */
  async watch(turn: WatchedTurn, { dropAfter, decide, onEvent }: Watching): Promise<void> {
    const people: Promise<void>[] = [];
    const ask = (person: Promise<void>) => {
      // A failure is thrown where all are awaited.
      person.catch(() => {});
      people.push(person);
    };
    let lastSeq = 0;
    let seen = 0;
    const followed = this.#api.follow(`/turns/${turn.id}/events`, ({ id, kind, data }) => {
      if (Number(id) !== lastSeq + 1) this.findings.push(`Turn ${turn.id}: event ${id} came after ${lastSeq}`);
      lastSeq = Number(id);
      seen += 1;
      if (kind === 'text_delta') turn.text += String(data['text']);
      if (kind === 'reset') {
        turn.text = '';
        turn.resets.push(Number(data['attempt']));
      }
      if (kind === 'approval_required') ask(this.#decide(turn, data, decide));
      if (kind === 'needs_review') ask(settleCall(this.#stack, this.#api, String(data['call_id'])));
      if (['done', 'error', 'cancelled'].includes(kind)) turn.ended = kind;
      if (kind === 'error') this.findings.push(`Turn ${turn.id} failed: ${JSON.stringify(data)}`);
      onEvent?.({ kind, data });
      return turn.ended !== null || (seen === dropAfter ? 'drop' : false);
    });
    try {
      await followed;
    } catch (error) {
      this.findings.push(`Turn ${turn.id}: ${await describeTurn(this.#stack, this.id)}`);
      throw error;
    }
    await Promise.all(people);
  }

  #watching(): Watching {
    const dropAfter = this.#random.next() < 0.4 ? this.#random.between(1, 25) : null;
    const decision = this.#random.pick(['approve', 'approve', 'change', 'deny'] as const);
    const afterMs = this.#random.between(0, 2000);
    return { dropAfter, decide: () => sleep(afterMs, decision) };
  }

  async #decide(turn: WatchedTurn, data: Record<string, unknown>, decide: Watching['decide']): Promise<void> {
    const callId = String(data['call_id']);
    const decision = await decide();
    const body = {
      arguments_hash: String(data['arguments_hash']),
      ...(decision === 'change' ? { arguments: { order: changedOrder } } : {}),
    };
    const path = `/tool-calls/${callId}/${decision === 'deny' ? 'deny' : 'approve'}`;
    try {
      // Twice is once: the second answer is the first.
      for (const key of ['first', 'second']) await this.#api.request('POST', path, body, `${key} ${callId}`);
      turn.decisions.set(callId, decision);
    } catch (error) {
      // The turn was ended first.
      if (!isConflict(error) || !turn.isGivenUp) throw error;
    }
  }
}
