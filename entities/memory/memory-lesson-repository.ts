import type { EntityManager } from '@mikro-orm/postgresql';
import type { FoundFact } from '../../contracts/names/memory-fact.ts';
import { query } from '../sql.ts';

/** What names a lesson: a conversation and the last message that it takes in. */
export type LessonKey = { workspaceId: string; conversationId: string; upToSequence: number };

const key = `workspace_id as "workspaceId", conversation_id as "conversationId", up_to_sequence::integer as "upToSequence"`;

/** Whether a budget that refuses turns is used up for its month, so that nothing is paid for the memory either. */
export function isSpent(workspace: string, user: string, ofAgent = 'false'): string {
  return `exists (select from budgets b
                  where b.workspace_id = ${workspace} and b.on_exceeded = 'refuse' and b.exceeded_at is not null
                    and b.period_end > now() and (b.agent_id is null or ${ofAgent})
                    and (b.user_id is null or b.user_id = ${user}))`;
}

/**
 * Accepts lessons of conversations that have rested for `idleSeconds` and have something new, the longest rested first.
 * Conversations of users who do not want it count as done; those whose budget is used up wait for the next month. For the
 * operator role.
 */
export async function acceptLessons(
  em: EntityManager,
  { idleSeconds, limit }: { idleSeconds: number; limit: number },
): Promise<LessonKey[]> {
  return query<LessonKey>(
    em,
    `with resting as materialized (
       select c.id, c.workspace_id, c.user_id, c.last_sequence, u.memory_learning as learns
       from conversations c join users u on u.id = c.user_id
       where c.last_sequence > c.learned_sequence and c.evaluation_id is null and c.deleted_at is null
         and c.updated_at < now() - $1 * interval '1 second'
         and not exists (select from turns t where t.conversation_id = c.id
                         and t.state in ('accepted', 'queued', 'running', 'waiting'))
         and not ${isSpent('c.workspace_id', 'c.user_id', 'b.agent_id = c.agent_id')}
         and not exists (select from memory_lessons l
                         where l.conversation_id = c.id and l.up_to_sequence >= c.last_sequence)
       order by c.updated_at limit $2),
     unwanted as (
       update conversations c
       set learned_sequence = r.last_sequence, updated_at = c.updated_at + interval '1 microsecond'
       from resting r where c.id = r.id and not r.learns and c.last_sequence = r.last_sequence)
     insert into memory_lessons (workspace_id, conversation_id, up_to_sequence, user_id)
     select workspace_id, id, last_sequence, user_id from resting where learns
     on conflict do nothing returning ${key}`,
    [idleSeconds, limit],
  );
}

/**
 * Lessons whose workflow is to be started again: it was not begun within seconds, nothing was heard of it for five minutes,
 * or its model failed an hour ago, three times at the most. Notes that it is. For the operator role.
 */
export async function claimStrayLessons(em: EntityManager, limit: number): Promise<LessonKey[]> {
  return query<LessonKey>(
    em,
    `update memory_lessons l set starts = starts + 1, updated_at = now(), state = 'accepted', error = null
     from (select conversation_id, up_to_sequence from memory_lessons
           where (state = 'accepted' and updated_at < now() - interval '5 seconds')
              or (state = 'running' and updated_at < now() - interval '5 minutes')
              or (state = 'failed' and starts < 3 and updated_at < now() - interval '1 hour')
           order by updated_at limit $1 for update skip locked) stray
     where l.conversation_id = stray.conversation_id and l.up_to_sequence = stray.up_to_sequence
     returning l.workspace_id as "workspaceId", l.conversation_id as "conversationId",
               l.up_to_sequence::integer as "upToSequence"`,
    [limit],
  );
}

/** A lesson as it stands; `isOpen` while nobody has ended it and its conversation has not been learned from otherwise. */
export type Lesson = {
  userId: string;
  isOpen: boolean;
  learns: boolean;
  learnedSequence: number;
  found: FoundFact[] | null;
  outcome: Record<string, unknown>;
  /** The last turn of the conversation, whose agent's models are asked, and its model. */
  turnId: string | null;
  modelId: string | null;
};

/** Takes a lesson up: it is running from now on. Null when it is gone. */
export async function beginLesson(em: EntityManager, lesson: LessonKey): Promise<Lesson | null> {
  const [row] = await query<Lesson>(
    em,
    `with begun as (
       update memory_lessons set state = 'running', updated_at = now()
       where conversation_id = $1 and up_to_sequence = $2 and state in ('accepted', 'running'))
     select l.user_id as "userId", u.memory_learning as learns, c.learned_sequence::integer as "learnedSequence", l.found,
            l.outcome, t.id as "turnId", t.model_id as "modelId",
            l.state in ('accepted', 'running') and c.deleted_at is null and c.learned_sequence < l.up_to_sequence as "isOpen"
     from memory_lessons l
     join conversations c on c.id = l.conversation_id
     join users u on u.id = l.user_id
     left join lateral (select t.id, t.model_id from turns t where t.workspace_id = l.workspace_id
                        and t.conversation_id = l.conversation_id order by t.number desc limit 1) t on true
     where l.conversation_id = $1 and l.up_to_sequence = $2`,
    [lesson.conversationId, lesson.upToSequence],
  );
  return row ?? null;
}

/**
 * The user's messages on the branch that is shown, after `learnedSequence` and up to the lesson's, oldest first. Those of
 * other branches were taken back.
 */
export async function readLessonMessages(
  em: EntityManager,
  { conversationId, upToSequence }: LessonKey,
  learnedSequence: number,
): Promise<{ id: string; content: string; said_at: Date }[]> {
  return query(
    em,
    `with recursive path as (
       select m.id, m.workspace_id, m.parent_id, m.sender, m.content, m.sequence, m.created_at
       from conversations c join messages m on m.workspace_id = c.workspace_id and m.id = c.active_message_id
       where c.id = $1
       union all
       select m.id, m.workspace_id, m.parent_id, m.sender, m.content, m.sequence, m.created_at
       from path p join messages m on m.workspace_id = p.workspace_id and m.id = p.parent_id where p.sequence > $2)
     select id, content, created_at as said_at from path
     where sender = 'user' and sequence > $2 and sequence <= $3 order by sequence`,
    [conversationId, learnedSequence, upToSequence],
  );
}

/** Keeps what a model has found, so that it is not paid again. */
export async function keepFound(
  em: EntityManager,
  lesson: LessonKey,
  { found, outcome }: { found: readonly FoundFact[]; outcome: Record<string, unknown> },
): Promise<void> {
  await query(
    em,
    `update memory_lessons set found = $3, outcome = outcome || $4, updated_at = now()
     where conversation_id = $1 and up_to_sequence = $2 and state = 'running'`,
    [lesson.conversationId, lesson.upToSequence, JSON.stringify(found), JSON.stringify(outcome)],
  );
}

/**
 * Ends a lesson: its conversation counts as learned up to there. False when it is not to be learned from any more: the user
 * was forgotten, the conversation was deleted, or another lesson came first. The caller holds the lock of the user.
 */
export async function endLesson(
  em: EntityManager,
  lesson: LessonKey,
  end: { state: 'completed' | 'skipped'; outcome: Record<string, unknown> },
): Promise<boolean> {
  const rows = await query(
    em,
    `with learned as (
       update conversations set learned_sequence = $2, updated_at = updated_at + interval '1 microsecond'
       where id = $1 and learned_sequence < $2 and deleted_at is null returning id)
     update memory_lessons l set state = $3, outcome = outcome || $4, error = null, updated_at = now()
     from learned where l.conversation_id = learned.id and l.up_to_sequence = $2 and l.state = 'running'
     returning 1`,
    [lesson.conversationId, lesson.upToSequence, end.state, JSON.stringify(end.outcome)],
  );
  return rows.length > 0;
}

/** Notes which version of the memory an ended lesson has made. */
export async function noteLessonVersion(em: EntityManager, lesson: LessonKey, version: number): Promise<void> {
  await query(em, `update memory_lessons set version = $3 where conversation_id = $1 and up_to_sequence = $2`, [
    lesson.conversationId,
    lesson.upToSequence,
    version,
  ]);
}

/** Notes that a lesson failed; a sweep may ask for it again. Returns its user, null for a lesson that had ended. */
export async function failLesson(
  em: EntityManager,
  lesson: LessonKey,
  error: { code: string; detail: string },
): Promise<string | null> {
  const [row] = await query<{ user_id: string }>(
    em,
    `update memory_lessons set state = 'failed', error = $3, updated_at = now()
     where conversation_id = $1 and up_to_sequence = $2 and state in ('accepted', 'running') returning user_id`,
    [lesson.conversationId, lesson.upToSequence, JSON.stringify(error)],
  );
  return row?.user_id ?? null;
}
