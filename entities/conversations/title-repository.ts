import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';

/** A completed turn with its answer and the model that gave it. */
export type TitleWork = {
  answer: string;
  /** The first step number that the turn has not used. */
  step: number;
  agent_id: string;
  model_id: string;
};

/** What a title is made from; null for a turn that has no answer. */
export async function findTitleWork(em: EntityManager, turnId: string): Promise<TitleWork | null> {
  const [row] = await query<TitleWork>(
    em,
    `select a.content as answer, t.step, t.agent_id, t.model_id
     from turns t join messages a on a.id = t.assistant_message_id where t.id = $1 and t.state = 'completed'`,
    [turnId],
  );
  return row ?? null;
}

/** Gives a conversation the model's title, unless it has one of a person or of a model. */
export async function nameConversation(em: EntityManager, id: string, title: string): Promise<void> {
  await query(
    em,
    `update conversations set title = $2, title_by = 'model', updated_at = now()
     where id = $1 and title_by = 'question' and deleted_at is null`,
    [id, title],
  );
}
