import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';

/** A summary of a branch up to and with a message. */
export type SummaryToKeep = {
  id: string;
  workspaceId: string;
  conversationId: string;
  upToMessageId: string;
  version: number;
  content: string;
  tokenCount: number | null;
  modelId: string;
};

/**
 * Keeps a summary, unless another turn has made the one of this message meanwhile: that one stays. Returns whether this
 * one was kept.
 */
export async function keepSummary(em: EntityManager, summary: SummaryToKeep): Promise<boolean> {
  const rows = await query(
    em,
    `insert into conversation_summaries (id, workspace_id, conversation_id, up_to_message_id, version, content, token_count,
                                         model_id)
     values ($1, $2, $3, $4, $5, $6, $7, $8)
     on conflict (conversation_id, up_to_message_id, version) do nothing returning id`,
    [
      summary.id,
      summary.workspaceId,
      summary.conversationId,
      summary.upToMessageId,
      summary.version,
      summary.content,
      summary.tokenCount,
      summary.modelId,
    ],
  );
  return rows.length > 0;
}
