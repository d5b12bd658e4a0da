import { setTimeout as sleep } from 'node:timers/promises';
import { query } from '../../../entities/sql.ts';
import type { Findings, RoundContext, Workload } from './round-context.ts';

const turnCount = 20;
const tokensPerTurn = 100;

type Watched = { turnId: string; text: string; ended: string | null; resets: number; events: number };

/**
 * Twenty conversations with one streamed turn each, of about three seconds. The client's text must equal the stored one,
 * and no message may be lost or doubled.
 */
export async function turnsWorkload(context: RoundContext): Promise<Workload> {
  const { random, round } = context;
  const { api, database, provider } = context.stack;
  const model = await api.request<{ id: string }>(
    'POST',
    '/models',
    {
      name: `chaos ${round}`,
      kind: 'chat',
      provider: 'openai',
      model_id: `fake?firstTokenMs=20&tokenMs=25&tokens=${tokensPerTurn}`,
      endpoint: provider.url,
      pricing: { input_per_million: '1', output_per_million: '2', currency: 'USD' },
    },
    `model-${round}`,
  );
  const agent = await api.request<{ id: string }>(
    'POST',
    '/agents',
    { name: `chaos ${round}`, system_prompt: 'Be brief.', model: model.id },
    `agent-${round}`,
  );
  const watched: Watched[] = [];
  let started = 0;
  let finished = 0;

  async function oneTurn(n: number): Promise<Findings> {
    await sleep(random.fork(`start ${n}`).between(0, 1500));
    started += 1;
    const conversation = await api.request<{ id: string }>(
      'POST',
      '/conversations',
      { agent: agent.id, user: `user ${n % 3}` },
      `conversation-${round}-${n}`,
    );
    const { turn } = await api.request<{ turn: { id: string } }>(
      'POST',
      `/conversations/${conversation.id}/messages`,
      { content: `Question ${n} of round ${round}`, client_message_id: `message-${round}-${n}` },
      `message-${round}-${n}`,
    );
    const own: Watched = { turnId: turn.id, text: '', ended: null, resets: 0, events: 0 };
    watched.push(own);
    let lastSeq = 0;
    const findings: Findings = [];
    await api.follow(`/turns/${turn.id}/events`, (event) => {
      const seq = Number(event.id);
      if (seq <= lastSeq) findings.push(`Turn ${turn.id}: event ${seq} came after ${lastSeq}`);
      lastSeq = seq;
      own.events += 1;
      if (event.kind === 'text_delta') own.text += String(event.data['text']);
      if (event.kind === 'reset') {
        own.text = '';
        own.resets += 1;
      }
      if (['done', 'error', 'cancelled'].includes(event.kind)) own.ended = event.kind;
      return own.ended !== null;
    });
    finished += 1;
    if (own.ended !== 'done') findings.push(`Turn ${turn.id} ended with ${own.ended}`);
    return findings;
  }

  async function compareWithStored(): Promise<Findings> {
    const stored = await database.asOperator((em) =>
      query<{ turn_id: string; content: string; answers: number; questions: number }>(
        em,
        `select t.id as turn_id, a.content,
                (select count(*)::int from messages m where m.conversation_id = t.conversation_id and m.sender = 'assistant') as answers,
                (select count(*)::int from messages m where m.conversation_id = t.conversation_id and m.sender = 'user') as questions
         from turns t join messages a on a.id = t.assistant_message_id where t.id = any($1::uuid[])`,
        [watched.map((turn) => turn.turnId)],
      ),
    );
    const byTurn = new Map(stored.map((row) => [row.turn_id, row]));
    return watched.flatMap((turn) => {
      const row = byTurn.get(turn.turnId);
      if (!row) return [`Turn ${turn.turnId} has no stored answer`];
      const findings: Findings = [];
      if (row.content !== turn.text) findings.push(`Turn ${turn.turnId}: the client shows other text than is stored`);
      if (row.answers !== 1 || row.questions !== 1)
        findings.push(`Turn ${turn.turnId}: ${row.questions} questions and ${row.answers} answers in its conversation`);
      return findings;
    });
  }

  return {
    async run() {
      const ended = await Promise.all(Array.from({ length: turnCount }, (_, n) => oneTurn(n)));
      const missing = watched.length === turnCount ? [] : [`${turnCount - watched.length} turns were lost`];
      return [...ended.flat(), ...missing, ...(await compareWithStored())];
    },
    inFlight: () => started - finished,
    // Text that was shown, in words: a token of the fake provider is about one.
    progress: () =>
      watched.reduce((sum, turn) => sum + Math.min(turn.text.split(' ').length / tokensPerTurn, 1), 0) / turnCount,
  };
}
