import { setTimeout as sleep } from 'node:timers/promises';
import { workflowIds } from '../../../contracts/names/workflows.ts';
import { query } from '../../../entities/sql.ts';
import type { PointStory, StoryWork } from './chaos-point.ts';
import { until } from './model-workspace.ts';
import type { Sighting } from './proxies/trap-board.ts';
import type { ProxiedStack } from './proxied-stack.ts';
import type { Findings } from './round-context.ts';

/** A conversation at rest teaches something that contradicts the memory, or a memory over its cap is condensed. */
export type MemoryStoryName = 'learn' | 'condense';

// One answer for all that is asked: what the user said, that it contradicts the first line, and the lines in short.
const answer = JSON.stringify({
  facts: [{ statement: 'Lives in Newtown.', message: 1, quote: 'I live in Newtown' }],
  pairs: [{ new: 3, contradicts: [1] }],
  lines: ['Does many things.'],
});
const lookEveryMs = 2000;
const longAgo = '2026-01-01T00:00:00.000Z';
const capTokens = 200;

/** What is remembered of one user, and the work that changes it. */
export class MemoryStory implements PointStory {
  readonly opening = null;
  readonly #stack: ProxiedStack;
  readonly #name: MemoryStoryName;
  readonly #word: string;
  #userId = '';
  #conversationId = '';
  #calls: string[] = [];

  constructor(stack: ProxiedStack, name: MemoryStoryName, word: string) {
    this.#stack = stack;
    this.#name = name;
    this.#word = `m${word}`;
  }

  owns(sighting: Sighting): boolean {
    // Lessons are accepted for all conversations at rest by one statement, which names none.
    const accepts = sighting.within.some((statement) => statement.includes('insert into memory_lessons'));
    const ids = [this.#userId, this.#word, ...(this.#name === 'learn' ? [this.#conversationId] : [])];
    return accepts || ids.some((text) => text !== '' && sighting.mentions(text));
  }

  async prepare(): Promise<void> {
    const { api, database } = this.#stack;
    const user = this.#word;
    const agent = await this.#prepareAgent();
    const body = { agent, user };
    const conversation = await api.request<{ id: string }>('POST', '/conversations', body, `conversation-${user}`);
    this.#conversationId = conversation.id;
    const content = this.#name === 'learn' ? `I live in Newtown now, says ${user}.` : 'Hello.';
    const question = { content, client_message_id: user };
    const messages = `/conversations/${conversation.id}/messages`;
    const { turn } = await api.request<{ turn: { id: string } }>('POST', messages, question, `message-${user}`);
    await until(
      async () => (await api.request<{ state: string }>('GET', `/turns/${turn.id}`)).state === 'completed',
      `the answer to ${user}`,
    );
    const known = this.#name === 'learn' ? this.#known() : Array.from({ length: 40 }, (_, n) => this.#line(n));
    await api.request('PUT', `/users/${user}/memory`, { memory: known.join('\n') }, `memory-${user}`);
    await database.asOperator(async (em) => {
      const [row] = await query<{ id: string }>(
        em,
        `update user_memories m set facts = (
           select coalesce(jsonb_agg(f || jsonb_build_object('said_at', $2::text)), '[]') from jsonb_array_elements(m.facts) f)
         from users u where u.external_id = $1 and m.user_id = u.id returning u.id`,
        [user, longAgo],
      );
      this.#userId = row!.id;
      // At rest for long, or learned from already.
      if (this.#name === 'learn')
        await query(em, `update conversations set updated_at = now() - interval '1 hour' where id = $1`, [
          this.#conversationId,
        ]);
      else
        await query(em, `update users set memory_cap_tokens = $2, memory_learning = false where id = $1`, [
          row!.id,
          capTokens,
        ]);
    });
  }

  async act(): Promise<void> {
    const schedule = this.#name === 'learn' ? 'learn-memories' : 'condense-memories';
    const deadline = Date.now() + 120_000;
    for (let look = 0; !(await this.#isDone()) && Date.now() < deadline; look += 1) {
      await this.#stack.api.request('POST', `/schedules/${schedule}/trigger`, {}, `${schedule}-${this.#word}-${look}`);
      // Whoever is killed between accepting a lesson and starting it leaves it to a later look.
      for (let waited = 0; waited < 10 && !(await this.#isDone()); waited += 1) await sleep(lookEveryMs / 2);
    }
  }

  async verify(): Promise<Findings> {
    const findings: Findings = [];
    const rows = await this.#stack.database.asOperator((em) =>
      query<{ origin: string; memory: string }>(
        em,
        `select v.origin, v.memory from memory_versions v where v.user_id = $1 order by v.version`,
        [this.#userId],
      ),
    );
    const origin = this.#name === 'learn' ? 'learned' : 'condensed';
    const made = rows.filter((row) => row.origin === origin);
    if (made.length !== 1 || rows.length !== 2)
      findings.push(`The versions of ${this.#word} are ${rows.map((row) => row.origin).join(', ')}`);
    const { memory = '' } = made[0] ?? {};
    const isRight =
      this.#name === 'learn'
        ? memory.includes('Lives in Newtown.') && memory.includes(this.#known()[1]!) && !memory.includes('Oldtown')
        : memory.includes('Does many things.');
    if (!isRight) findings.push(`The memory of ${this.#word} is ${JSON.stringify(memory)}`);
    findings.push(...(await this.#judgeCalls()));
    return findings;
  }

  async work(): Promise<StoryWork> {
    const lesson = this.#name === 'learn' ? await this.#lesson() : undefined;
    const ids = lesson === undefined ? [] : [workflowIds.learnMemory(this.#conversationId, lesson.sequence)];
    return { documents: [], workflowIds: ids };
  }

  /** One call is repeated at the most, the one in flight, and none whose answer was committed. */
  async #judgeCalls(): Promise<Findings> {
    const rows = await this.#stack.database.asOperator((em) =>
      query<{ id: string; state: string }>(
        em,
        `select id, state from usage_metrics where entity_type = 'memory' and entity_id = $1 order by "timestamp"`,
        [this.#userId],
      ),
    );
    this.#calls = rows.map(({ state }) => state);
    const needed = this.#name === 'learn' ? 2 : 1;
    const findings: Findings = [];
    if (rows.length > needed + 1) findings.push(`${this.#word} was paid for ${this.#calls.join(', ')}`);
    if (this.#calls.includes('started')) findings.push(`A call about ${this.#word} is open: ${this.#calls.join(', ')}`);
    return findings;
  }

  async #isDone(): Promise<boolean> {
    if (this.#name === 'learn') return ['completed', 'skipped'].includes((await this.#lesson())?.state ?? '');
    const [row] = await this.#stack.database.asOperator((em) =>
      query<{ count: number }>(
        em,
        `select count(*)::int as count from memory_versions where user_id = $1 and origin <> 'written'`,
        [this.#userId],
      ),
    );
    return row!.count > 0;
  }

  async #lesson(): Promise<{ state: string; sequence: number } | undefined> {
    const [row] = await this.#stack.database.asOperator((em) =>
      query<{ state: string; sequence: number }>(
        em,
        `select state, up_to_sequence::int as sequence from memory_lessons where conversation_id = $1`,
        [this.#conversationId],
      ),
    );
    return row;
  }

  #known(): string[] {
    return ['Lives in Oldtown.', `Has the word ${this.#word}.`];
  }

  #line(n: number): string {
    return `Statement number ${n} about what ${this.#word} does all day.`;
  }

  async #prepareAgent(): Promise<string> {
    const { api, providerUrl } = this.#stack;
    const name = 'chaos-memories';
    const model = {
      ...{ name, kind: 'chat', provider: 'openai', endpoint: providerUrl },
      model_id: `fake?firstTokenMs=200&answer=${answer}`,
      pricing: { input_per_million: '1', output_per_million: '2', currency: 'USD' },
    };
    const { id } = await api.request<{ id: string }>('POST', '/models', model, `model-${name}`);
    const agent = { name, system_prompt: 'Be brief.', model: id };
    return (await api.request<{ id: string }>('POST', '/agents', agent, `agent-${name}`)).id;
  }
}
