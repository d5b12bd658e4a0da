import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';

/** A completed turn with its answer and the model that gave it; `api_key` is sealed. */
export type TitleWork = {
  answer: string;
  /** The first step number that the turn has not used. */
  step: number;
  agent_id: string;
  model_id: string;
  provider: string;
  provider_model_id: string;
  endpoint: string | null;
  api_key: string | null;
  capabilities: Record<string, unknown>;
  pricing: Record<string, unknown>;
};

/** What a title is made from; null for a turn that has no answer. */
export async function findTitleWork(em: EntityManager, turnId: string): Promise<TitleWork | null> {
  const [row] = await query<TitleWork>(
    em,
    `select a.content as answer, t.step, t.agent_id, t.model_id, m.provider, m.model_id as provider_model_id, m.endpoint,
            m.api_key, m.capabilities, m.pricing
     from turns t join messages a on a.id = t.assistant_message_id join models m on m.id = t.model_id
     where t.id = $1 and t.state = 'completed'`,
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
