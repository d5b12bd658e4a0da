import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';

/** A row of `models` as far as it is needed to call the model; the key is still sealed. */
export interface ModelRow {
  id: string;
  name: string;
  kind: 'chat' | 'embedding';
  provider: string;
  model_id: string;
  endpoint: string | null;
  api_key: string | null;
  capabilities: Record<string, unknown>;
  dimensions: number | null;
  pricing: Record<string, unknown>;
}

/** What tools, sources, models and users a search names, by name or id; null where there is none of that name. */
export interface SearchSetup {
  tool: {
    id: string;
    knowledge_source_id: string | null;
    top_k: number;
    retrieval_params: unknown;
    model: ModelRow;
    rerank_model: ModelRow | null;
    rewrite_model: ModelRow | null;
  } | null;
  retrieval_tool: {
    knowledge_source_id: string | null;
    strategy: 'vector' | 'text' | 'hybrid';
    filters: Record<string, unknown>;
  } | null;
  /** In the order of `sources`; null itself when none were named. */
  sources: (string | null)[] | null;
  /** In the order of `chatModels`; null itself when none were named. */
  chat_models: (ModelRow | null)[] | null;
  /** Languages of the workspace's documents, the commonest first. */
  languages: string[];
  /** Null when the user was never seen. */
  user_id: string | null;
}

/** Names or ids; an id goes before a name like it. */
export interface SearchNames {
  workspaceId: string;
  ragTool: string;
  retrievalTool: string | null;
  sources: readonly string[];
  chatModels: readonly string[];
  /** The external id of the user who asks. */
  user: string | null;
}

/** What a search needs to know before anything else, in one statement, because it comes before every search. */
export async function findSearchSetup(em: EntityManager, names: SearchNames): Promise<SearchSetup> {
  const [row] = await query<{ setup: SearchSetup }>(em, 'select find_search_setup($1, $2, $3, $4, $5, $6) as setup', [
    names.workspaceId,
    names.ragTool,
    names.retrievalTool,
    names.sources,
    names.chatModels,
    names.user,
  ]);
  return row!.setup;
}
