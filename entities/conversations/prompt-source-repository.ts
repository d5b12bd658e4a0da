import type { EntityManager } from '@mikro-orm/postgresql';
import type { AgentSnapshot } from '../../contracts/agent.ts';
import { templatesOfAgent, type AgentTemplate } from '../agents/agent-template-repository.ts';
import { agentAsJson } from '../agents/agent-version-repository.ts';
import { query } from '../sql.ts';

/** A message of a branch as prompts use it. */
export type SourceMessage = { id: string; role: 'user' | 'assistant'; content: string };

/** What was said up to and with a message, in short. */
export type SourceSummary = { upToMessageId: string; version: number; content: string };

/**
 * The end of a branch, oldest message first. Above it is what the summary says, or the message `above` that was not read,
 * or nothing.
 */
export type Branch = { messages: SourceMessage[]; summary: SourceSummary | null; above: string | null };

/** All that the prompts of a turn are made of. */
export type PromptSource = {
  agentId: string;
  agentVersion: number;
  /** The agent as it was when the turn was accepted. */
  agent: AgentSnapshot;
  /** In their order, with the versions that they had then. */
  templates: AgentTemplate[];
  user: { externalId: string; displayName: string | null };
  memory: string;
  conversation: { title: string; titleBy: 'question' | 'model' | 'user'; metadata: Record<string, unknown> };
  question: { id: string; content: string };
  /** The turn's topic, once it is chosen, and that of the turn before. */
  topic: string | null;
  lastTopic: string | null;
  /** Whether the agent has a model that can be asked for more than answers made of passages. */
  hasLanguageModel: boolean;
  /**
   * What tools have changed, or may have changed (`result` is null), oldest first: for the same question in earlier turns,
   * and in turns that were broken off since the last answer.
   */
  effects: Array<{ name: string; arguments: Record<string, unknown> | null; result: string | null }>;
  /**
   * The newest calls of tools in completed turns of the conversation, by their steps, oldest first; `content` is the
   * beginning of what a call gave, `passages` how many it found, `answerId` the answer of its turn.
   */
  earlier: Array<{
    answerId: string;
    turnId: string;
    step: number;
    toolCalls: Array<{ id: string; name: string; arguments: string }>;
    results: Array<{
      callId: string;
      toolCallId: string;
      name: string;
      content: string;
      passages: number;
      isError: boolean;
    }>;
  }>;
  /** The day in UTC on which the turn was accepted, such as 2026-03-01. */
  date: string;
  branch: Branch;
};

const messagesOfFirstPage = 60;
// Whoever answers a question for so many times has a prompt with the newest ones.
const mostEffects = 20;
// More than fits into most prompts; and of the result of each, more than any prompt repeats.
const mostEarlierCalls = 40;
const charactersOfEarlier = 2500;
// An agent without topics has none to find, however long the conversation is.
const turnsOfTopic = 50;

// Of the turn `t`: those for the same question, and those since the last answer.
const turnsBefore = `
  select o.id, o.number from turns o
  where t.kind in ('regenerate', 'retry') and o.workspace_id = t.workspace_id
    and o.user_message_id = t.user_message_id and o.number < t.number
  union
  select o.id, o.number from turns o
  where o.workspace_id = t.workspace_id and o.conversation_id = t.conversation_id and o.number < t.number
    and o.number > coalesce((
      select b.number from turns b
      where b.workspace_id = t.workspace_id and b.conversation_id = t.conversation_id and b.number < t.number
        and b.state = 'completed'
      order by b.number desc limit 1), 0)`;

type PathRow = {
  id: string;
  parent_id: string | null;
  sender: 'user' | 'assistant';
  content: string;
  summary: string | null;
  version: number | null;
};

const summaryOfMessage = `left join lateral (
  select s.content as summary, s.version from conversation_summaries s
  where s.workspace_id = m.workspace_id and s.up_to_message_id = m.id order by s.version desc limit 1) s on true`;

// A summary ends the path: what it covers is not read.
const pathBelow = (start: string, most: string) => `
  path as (
    select m.id, m.workspace_id, m.parent_id, m.sender, m.content, s.summary, s.version, 1 as depth
    from ${start} join messages m on m.id = start.parent_id ${summaryOfMessage}
    union all
    select m.id, m.workspace_id, m.parent_id, m.sender, m.content, s.summary, s.version, p.depth + 1
    from path p join messages m on m.id = p.parent_id ${summaryOfMessage}
    where p.depth < ${most} and p.summary is null)`;

/**
 * Reads what the prompts of a turn are made of, in one statement: agent and templates with the versions of the turn, user,
 * memory, conversation, question, and the newest page of its branch. Null when the turn is gone.
 */
export async function readPromptSource(em: EntityManager, turnId: string): Promise<PromptSource | null> {
  const [row] = await query<Omit<PromptSource, 'branch'> & { path: PathRow[] }>(
    em,
    `with recursive start as materialized (
       select t.id as turn_id, m.parent_id from turns t join messages m on m.id = t.user_message_id where t.id = $1),
     ${pathBelow('start', '$2')}
     select a.id as "agentId", t.agent_version as "agentVersion",
            case when a.version = t.agent_version then ${agentAsJson}
                 else coalesce((select v.snapshot from agent_versions v
                                where v.agent_id = a.id and v.version = t.agent_version), ${agentAsJson}) end as agent,
            coalesce((
              select json_agg(json_build_object(
                'id', p.id, 'name', p.name, 'type', p.type, 'version', w.version,
                'template', coalesce(v.snapshot ->> 'template', p.template),
                'variables', coalesce(v.snapshot -> 'variables', p.variables)) order by w.place, p.id)
              from (
                select pinned.id::uuid as id, pinned.version::integer as version, coalesce(u.position, 1000) as place
                from jsonb_each_text(t.versions -> 'templates') as pinned (id, version)
                left join agent_prompt_templates u on u.agent_id = a.id and u.prompt_template_id = pinned.id::uuid
                union all
                select unpinned.* from (${templatesOfAgent}) as unpinned where not t.versions ? 'templates') as w
              join prompt_templates p on p.id = w.id
              left join prompt_template_versions v
                on v.prompt_template_id = w.id and v.version = w.version and w.version <> p.version), '[]') as templates,
            json_build_object('externalId', s.external_id, 'displayName', s.display_name) as "user",
            coalesce((select y.memory from user_memories y where y.user_id = c.user_id and s.memory_recall), '') as memory,
            json_build_object('title', c.title, 'titleBy', c.title_by, 'metadata', c.metadata) as conversation,
            json_build_object('id', q.id, 'content', q.content) as question, t.topic,
            (select b.topic from turns b
             where b.workspace_id = t.workspace_id and b.conversation_id = t.conversation_id
               and b.number between t.number - ${turnsOfTopic} and t.number - 1 and b.topic is not null
             order by b.number desc limit 1) as "lastTopic",
            exists (
              select from models d
              where d.workspace_id = t.workspace_id and d.provider <> 'extractive'
                and (d.id in (t.model_id, a.model_id) or a.fallback_models ? d.id::text)) as "hasLanguageModel",
            coalesce((
              select json_agg(json_build_object('name', e.name, 'arguments', e.arguments, 'result', e.result)
                              order by e.number, e.step, e.position)
              from (
                select k.tool_name as name, coalesce(v.changed_arguments, k.arguments) as arguments,
                       case when k.state = 'succeeded' then k.result end as result, o.number, k.step, k.position
                from (${turnsBefore}) as o
                join tool_calls k on k.turn_id = o.id
                left join approvals v on v.tool_call_id = k.id
                where k.effect = 'write' and k.state in ('executing', 'needs_review', 'succeeded')
                order by o.number desc, k.step desc, k.position desc limit ${mostEffects}) as e), '[]') as effects,
            coalesce((
              select json_agg(json_build_object(
                       'answerId', o.assistant_message_id, 'turnId', o.id, 'step', f.step,
                       'toolCalls', f.response -> 'tool_calls', 'results', e.results) order by o.number, f.step)
              from (
                select k.turn_id, k.step, json_agg(json_build_object(
                         'callId', k.id, 'toolCallId', k.provider_call_id, 'name', k.tool_name,
                         'content', coalesce(left(k.result, ${charactersOfEarlier}), ''),
                         'passages', jsonb_array_length(k.passages), 'isError', k.state <> 'succeeded')
                         order by k.position) as results
                from (
                  select k.* from tool_calls k
                  where k.workspace_id = t.workspace_id and k.conversation_id = t.conversation_id and k.turn_id <> t.id
                    and k.finished_at is not null
                  order by k.created_at desc limit ${mostEarlierCalls}) as k
                group by k.turn_id, k.step) as e
              join turns o on o.id = e.turn_id and o.state = 'completed'
              join turn_steps f on f.turn_id = e.turn_id and f.step = e.step
              where f.response ? 'tool_calls'), '[]') as earlier,
            to_char(t.created_at at time zone 'UTC', 'YYYY-MM-DD') as date,
            coalesce((select json_agg(json_build_object(
              'id', p.id, 'parent_id', p.parent_id, 'sender', p.sender, 'content', p.content, 'summary', p.summary,
              'version', p.version) order by p.depth) from path p), '[]') as path
     from turns t
     join conversations c on c.id = t.conversation_id
     join users s on s.id = c.user_id
     join agents a on a.id = t.agent_id
     join messages q on q.id = t.user_message_id
     where t.id = $1`,
    [turnId, messagesOfFirstPage],
  );
  if (!row) return null;
  const { path, ...source } = row;
  return { ...source, branch: toBranch(path, messagesOfFirstPage) };
}

/** Reads on where a branch was left: at most `limit` older messages. A branch that is complete is returned as it is. */
export async function readOlderMessages(em: EntityManager, branch: Branch, limit: number): Promise<Branch> {
  if (branch.above === null) return branch;
  const path = await query<PathRow>(
    em,
    `with recursive start as materialized (select $1::uuid as parent_id), ${pathBelow('start', '$2')}
     select id, parent_id, sender, content, summary, version from path order by depth`,
    [branch.above, limit],
  );
  const older = toBranch(path, limit);
  return { ...older, messages: [...older.messages, ...branch.messages] };
}

/** `path` is newest first; a message that has a summary is covered by it. */
function toBranch(path: readonly PathRow[], limit: number): Branch {
  const last = path.at(-1);
  const isSummarised = last !== undefined && last.summary !== null;
  const shown = isSummarised ? path.slice(0, -1) : path;
  return {
    messages: shown.map(({ id, sender, content }) => ({ id, role: sender, content })).reverse(),
    summary: isSummarised ? { upToMessageId: last.id, version: last.version ?? 1, content: last.summary ?? '' } : null,
    above: !isSummarised && path.length === limit ? (last?.parent_id ?? null) : null,
  };
}
