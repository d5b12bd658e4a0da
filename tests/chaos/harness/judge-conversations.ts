import type { ToolCall } from '../../../contracts/tool-call.ts';
import { query } from '../../../entities/sql.ts';
import { changedOrder } from './conversation-run.ts';
import type { ConversationRun, WatchedTurn } from './conversation-run.ts';
import type { ProxiedStack } from './proxied-stack.ts';
import type { Findings } from './round-context.ts';

type StoredTurn = {
  id: string;
  state: string;
  attempt: number;
  client_message_id: string;
  answer: string | null;
  answers: number;
  questions: number;
};

/**
 * Compares what the clients of conversations saw with what is stored, and the ledger of their calls with the log of the
 * service that they call. Returns what is wrong.
 */
export async function judgeConversations(stack: ProxiedStack, runs: readonly ConversationRun[]): Promise<Findings> {
  const findings = runs.flatMap((run) => run.findings);
  const calls = new Map<string, ToolCall>();
  for (const run of runs) {
    const stored = new Map((await readTurns(stack, run.id)).map((turn) => [turn.id, turn]));
    if (stored.size !== run.turns.length)
      findings.push(`Conversation ${run.id}: ${stored.size} turns of ${run.turns.length} messages`);
    const known = new Map(run.turns.map((turn) => [turn.id, turn]));
    for (const turn of run.turns) findings.push(...judgeTurn(turn, stored.get(turn.id)));
    for (const call of await readCalls(stack, run.id)) {
      calls.set(call.id, call);
      const turn = known.get(call.turn_id);
      if (turn) findings.push(...judgeCall(stack, turn, call));
    }
  }
  for (const { idempotencyKey, path, applied } of stack.effects.log())
    if (applied && idempotencyKey === null) findings.push(`A request to ${path} took effect without a key`);
  return findings;
}

/** How many calls of the conversations are in each state. */
export async function countCalls(
  stack: ProxiedStack,
  runs: readonly ConversationRun[],
): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const run of runs)
    for (const { state } of await readCalls(stack, run.id)) counts[state] = (counts[state] ?? 0) + 1;
  return counts;
}

function judgeTurn(turn: WatchedTurn, stored: StoredTurn | undefined): Findings {
  if (stored === undefined) return [`Turn ${turn.id} is not stored`];
  const findings: Findings = [];
  const say = (text: string) => findings.push(`Turn ${turn.id}: ${text}`);
  const states = turn.isGivenUp ? ['completed', 'cancelled'] : ['completed'];
  if (!states.includes(stored.state)) say(`it is ${stored.state}`);
  if ((turn.ended === 'done') !== (stored.state === 'completed'))
    say(`its client was told ${turn.ended}, it is ${stored.state}`);
  if (stored.client_message_id !== turn.clientMessageId) say(`it answers message ${stored.client_message_id}`);
  if (stored.questions !== 1) say(`its message is stored ${stored.questions} times`);
  if (stored.answers > 1 || (stored.state === 'completed' && stored.answers !== 1)) say(`${stored.answers} answers`);
  if ((stored.answer ?? '') !== turn.text)
    say(`the client shows ${turn.text.length} characters, ${stored.answer?.length ?? 0} are stored`);
  // The first attempt needs none, and a forced end is no attempt at the model.
  const most = stored.attempt - 1;
  const fewest = stored.state === 'cancelled' ? Math.max(most - 1, 0) : most;
  if (turn.resets.length < fewest || turn.resets.length > most)
    say(`${turn.resets.length} resets for ${stored.attempt} attempts`);
  if (turn.resets.some((attempt, n) => n > 0 && attempt <= turn.resets[n - 1]!))
    say(`resets of attempts ${turn.resets.join(', ')}`);
  return findings;
}

/** One call against the log of the service: what succeeded took effect once, what was refused never. */
function judgeCall(stack: ProxiedStack, turn: WatchedTurn, call: ToolCall): Findings {
  const findings: Findings = [];
  const say = (text: string) => findings.push(`Call ${call.id} of ${call.tool.name} (${call.state}): ${text}`);
  const effects = stack.effects.log().filter(({ idempotencyKey }) => idempotencyKey === call.id);
  const applied = effects.filter((effect) => effect.applied).length;
  const decision = turn.decisions.get(call.id);
  if (call.state === 'succeeded') {
    const expected = call.effect === 'write' ? 1 : 0;
    if (applied !== expected) say(`took effect ${applied} times`);
    if (decision === 'deny') say('it was denied');
    if (decision === 'change' && !effects.every(({ body }) => body.includes(changedOrder)))
      say('it ran with other arguments than those that were approved');
  } else if (call.state === 'denied') {
    if (effects.length > 0) say(`the service was asked ${effects.length} times`);
    if (decision !== 'deny') say('nobody denied it');
  } else if (!turn.isGivenUp) say('it is not settled, though its turn has ended');
  // Of a turn that was given up: what began may have had its effect, and what did not must have none.
  else if (applied > 1 || (call.attempts === 0 && effects.length > 0)) say(`took effect ${applied} times`);
  return findings;
}

async function readTurns(stack: ProxiedStack, conversationId: string): Promise<StoredTurn[]> {
  return stack.database.asOperator((em) =>
    query<StoredTurn>(
      em,
      `select t.id, t.state, t.attempt, q.client_message_id, a.content as answer,
              (select count(*)::int from messages m where m.parent_id = q.id and m.sender = 'assistant') as answers,
              (select count(*)::int from messages m
               where m.conversation_id = q.conversation_id and m.client_message_id = q.client_message_id) as questions
       from turns t join messages q on q.id = t.user_message_id left join messages a on a.id = t.assistant_message_id
       where t.conversation_id = $1`,
      [conversationId],
    ),
  );
}

async function readCalls(stack: ProxiedStack, conversationId: string): Promise<ToolCall[]> {
  const calls: ToolCall[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const after: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const page: { data: ToolCall[]; next_cursor: string | null } = await stack.api.request(
      'GET',
      `/tool-calls?conversation=${conversationId}&limit=100${after}`,
    );
    calls.push(...page.data);
    cursor = page.next_cursor;
  }
  return calls;
}
