/** A foreign key as the schema comparison wants it; its name is PostgreSQL's own. */
export type ForeignKey = {
  name: string;
  table: string;
  columns: string[];
  referencedTable: string;
  referencedColumns: string[];
  onDelete: string;
  /** Deferred while a whole workspace is deleted, whose rows go in an order that nobody chooses. */
  deferrable: boolean;
};

// Checks of foreign keys bypass row-level security: the workspace is therefore part of each key. The ORM cannot say such
// a relation (the columns overlap, and the target is not the primary key), so entities carry ids and the keys stand here.
const declarations = [
  'users (workspace_id) references workspaces (id) on delete cascade',
  'api_keys (workspace_id) references workspaces (id) on delete cascade',
  'idempotency_keys (workspace_id) references workspaces (id) on delete cascade',
  'audit_log (workspace_id) references workspaces (id) on delete cascade',
  'models (workspace_id) references workspaces (id) on delete cascade',
  'prompt_templates (workspace_id) references workspaces (id) on delete cascade',
  'agents (workspace_id) references workspaces (id) on delete cascade',
  'agents (workspace_id, model_id) references models (workspace_id, id) on delete no action deferrable',
  'agent_prompt_templates (workspace_id, agent_id) references agents (workspace_id, id) on delete cascade',
  'agent_prompt_templates (workspace_id, prompt_template_id) references prompt_templates (workspace_id, id) on delete no action deferrable',
  'agent_versions (workspace_id, agent_id) references agents (workspace_id, id) on delete cascade',
  'prompt_template_versions (workspace_id, prompt_template_id) references prompt_templates (workspace_id, id) on delete cascade',
  'knowledge_sources (workspace_id) references workspaces (id) on delete cascade',
  'rag_tools (workspace_id, embedding_model_id) references models (workspace_id, id) on delete no action deferrable',
  'rag_tools (workspace_id) references workspaces (id) on delete cascade',
  'tools (workspace_id) references workspaces (id) on delete cascade',
  'tool_versions (workspace_id, tool_id) references tools (workspace_id, id) on delete cascade',
  'agent_tools (workspace_id, agent_id) references agents (workspace_id, id) on delete cascade',
  'agent_tools (workspace_id, rag_tool_id) references rag_tools (workspace_id, id) on delete cascade',
  'agent_tools (workspace_id, retrieval_tool_id) references retrieval_tools (workspace_id, id) on delete cascade',
  'agent_tools (workspace_id, tool_id) references tools (workspace_id, id) on delete cascade',
  'rag_tools (workspace_id, knowledge_source_id) references knowledge_sources (workspace_id, id) on delete cascade',
  'embedding_moves (workspace_id, knowledge_source_id) references knowledge_sources (workspace_id, id) on delete cascade',
  'embedding_moves (workspace_id, rag_tool_id) references rag_tools (workspace_id, id) on delete cascade',
  'embedding_moves (workspace_id, model_id) references models (workspace_id, id) on delete cascade',
  'retrieval_tools (workspace_id) references workspaces (id) on delete cascade',
  'retrieval_tools (workspace_id, knowledge_source_id) references knowledge_sources (workspace_id, id) on delete cascade',
  'ingestion_jobs (workspace_id) references workspaces (id) on delete cascade',
  'ingestion_jobs (workspace_id, knowledge_source_id) references knowledge_sources (workspace_id, id) on delete set null (knowledge_source_id)',
  'source_syncs (workspace_id, knowledge_source_id) references knowledge_sources (workspace_id, id) on delete cascade',
  'source_syncs (workspace_id, job_id) references ingestion_jobs (workspace_id, id) on delete set null (job_id)',
  'source_cursors (workspace_id, sync_id) references source_syncs (workspace_id, id) on delete cascade',
  'source_items (workspace_id, knowledge_source_id) references knowledge_sources (workspace_id, id) on delete cascade',
  'source_items (workspace_id, document_id) references documents (workspace_id, id) on delete set null (document_id)',
  'documents (workspace_id) references workspaces (id) on delete cascade',
  'documents (workspace_id, knowledge_source_id) references knowledge_sources (workspace_id, id) on delete cascade',
  'documents (workspace_id, user_id) references users (workspace_id, id) on delete set null (user_id)',
  'document_generations (workspace_id, document_id) references documents (workspace_id, id) on delete cascade',
  'document_generations (workspace_id, job_id) references ingestion_jobs (workspace_id, id) on delete set null (job_id)',
  'blobs (workspace_id, document_id, generation) references document_generations (workspace_id, document_id, generation) on delete cascade',
  'document_chunks (workspace_id, document_id, generation) references document_generations (workspace_id, document_id, generation) on delete cascade',
  'chunk_terms (workspace_id, document_id, generation, chunk_index) references document_chunks (workspace_id, document_id, generation, chunk_index) on delete cascade',
  'query_samples (workspace_id, model_id) references models (workspace_id, id) on delete cascade',
  'term_statistics (workspace_id) references workspaces (id) on delete cascade',
  'term_statistics_deltas (workspace_id) references workspaces (id) on delete cascade',
  'lexical_collections (workspace_id) references workspaces (id) on delete cascade',
  'embedding_cache (workspace_id, model_id) references models (workspace_id, id) on delete cascade',
  'embedding_cache (workspace_id, document_id) references documents (workspace_id, id) on delete cascade',
  'embedding_claims (workspace_id, model_id) references models (workspace_id, id) on delete cascade',
  'embedding_claims (workspace_id, document_id) references documents (workspace_id, id) on delete cascade',
  'model_circuits (workspace_id, model_id) references models (workspace_id, id) on delete cascade',
  'rate_limits (workspace_id, model_id) references models (workspace_id, id) on delete cascade',
  'conversations (workspace_id, agent_id) references agents (workspace_id, id) on delete no action deferrable',
  'conversations (workspace_id) references workspaces (id) on delete cascade',
  'conversations (workspace_id, user_id) references users (workspace_id, id) on delete cascade',
  'conversations (workspace_id, active_message_id) references messages (workspace_id, id) on delete set null (active_message_id)',
  'messages (workspace_id, conversation_id) references conversations (workspace_id, id) on delete cascade',
  'messages (workspace_id, parent_id) references messages (workspace_id, id) on delete set null (parent_id)',
  'feedback (workspace_id, message_id) references messages (workspace_id, id) on delete cascade',
  'feedback (workspace_id, user_id) references users (workspace_id, id) on delete cascade',
  'turns (workspace_id, agent_id) references agents (workspace_id, id) on delete no action deferrable',
  'turns (workspace_id, assistant_message_id) references messages (workspace_id, id) on delete set null (assistant_message_id)',
  'turns (workspace_id, conversation_id) references conversations (workspace_id, id) on delete cascade',
  'turns (workspace_id, model_id) references models (workspace_id, id) on delete no action deferrable',
  'turns (workspace_id, user_message_id) references messages (workspace_id, id) on delete cascade',
  'turns (workspace_id, replaces_turn_id) references turns (workspace_id, id) on delete set null (replaces_turn_id)',
  'turn_steps (workspace_id, turn_id) references turns (workspace_id, id) on delete cascade',
  'turn_events (workspace_id, turn_id) references turns (workspace_id, id) on delete cascade',
  'tool_calls (workspace_id, conversation_id) references conversations (workspace_id, id) on delete cascade',
  'tool_calls (workspace_id, turn_id) references turns (workspace_id, id) on delete cascade',
  'approvals (workspace_id, tool_call_id) references tool_calls (workspace_id, id) on delete cascade',
  'conversation_summaries (workspace_id, conversation_id) references conversations (workspace_id, id) on delete cascade',
  'conversation_summaries (workspace_id, up_to_message_id) references messages (workspace_id, id) on delete cascade',
  'conversation_summaries (workspace_id, model_id) references models (workspace_id, id) on delete set null (model_id)',
  'citations (workspace_id, document_id, generation, chunk_index) references document_chunks (workspace_id, document_id, generation, chunk_index) on delete set null (chunk_index)',
  'citations (workspace_id, embedding_model_id) references models (workspace_id, id) on delete set null (embedding_model_id)',
  'citations (workspace_id, message_id) references messages (workspace_id, id) on delete cascade',
  'usage_metrics (workspace_id) references workspaces (id) on delete cascade',
  'usage_metrics (workspace_id, model_id) references models (workspace_id, id) on delete no action deferrable',
  'usage_totals (workspace_id) references workspaces (id) on delete cascade',
  'usage_progress (workspace_id) references workspaces (id) on delete cascade',
  'maintenance_reports (workspace_id) references workspaces (id) on delete cascade',
  'evaluation_datasets (workspace_id) references workspaces (id) on delete cascade',
  'evaluation_dataset_versions (workspace_id, dataset_id) references evaluation_datasets (workspace_id, id) on delete cascade',
  'evaluation_cases (workspace_id, dataset_id) references evaluation_datasets (workspace_id, id) on delete cascade',
  'evaluations (workspace_id) references workspaces (id) on delete cascade',
  'evaluations (workspace_id, dataset_id) references evaluation_datasets (workspace_id, id) on delete no action deferrable',
  'evaluations (workspace_id, baseline_id) references evaluations (workspace_id, id) on delete set null (baseline_id)',
  'evaluations (workspace_id, rerun_of) references evaluations (workspace_id, id) on delete set null (rerun_of)',
  'evaluation_items (workspace_id, evaluation_id) references evaluations (workspace_id, id) on delete cascade',
  'evaluation_items (workspace_id, case_id) references evaluation_cases (workspace_id, id) on delete no action deferrable',
  'evaluation_results (workspace_id, evaluation_id) references evaluations (workspace_id, id) on delete cascade',
  'evaluation_calls (workspace_id, evaluation_id) references evaluations (workspace_id, id) on delete cascade',
  'evaluation_pacing (workspace_id, evaluation_id) references evaluations (workspace_id, id) on delete cascade',
  'evaluation_histories (workspace_id, evaluation_id) references evaluations (workspace_id, id) on delete cascade',
  'case_proposals (workspace_id, dataset_id) references evaluation_datasets (workspace_id, id) on delete cascade',
  'case_proposal_passages (workspace_id, proposal_id) references case_proposals (workspace_id, id) on delete cascade',
  'conversations (workspace_id, evaluation_id) references evaluations (workspace_id, id) on delete set null (evaluation_id)',
  'user_memories (workspace_id, user_id) references users (workspace_id, id) on delete cascade',
  'memory_versions (workspace_id, user_id) references users (workspace_id, id) on delete cascade',
  'memory_lessons (workspace_id, conversation_id) references conversations (workspace_id, id) on delete cascade',
  'memory_lessons (workspace_id, user_id) references users (workspace_id, id) on delete cascade',
  'webhooks (workspace_id) references workspaces (id) on delete cascade',
  'webhook_deliveries (workspace_id, webhook_id) references webhooks (workspace_id, id) on delete cascade',
  'budgets (workspace_id) references workspaces (id) on delete cascade',
  'budgets (workspace_id, agent_id) references agents (workspace_id, id) on delete cascade',
  'budgets (workspace_id, user_id) references users (workspace_id, id) on delete cascade',
  'budget_holds (workspace_id, budget_id) references budgets (workspace_id, id) on delete cascade',
];

/** Every foreign key between the entities' tables. */
export const foreignKeys: readonly ForeignKey[] = declarations.map((declaration) => {
  const [, table = '', columns = '', referencedTable = '', referencedColumns = '', onDelete = ''] =
    /^(\w+) \(([^)]+)\) references (\w+) \(([^)]+)\) on delete (.+)$/.exec(declaration) ?? [];
  // PostgreSQL's names have 63 characters; what is too much is taken from the columns.
  const named = columns
    .split(', ')
    .join('_')
    .slice(0, 63 - `${table}__fkey`.length);
  return {
    name: `${table}_${named}_fkey`,
    table,
    columns: columns.split(', '),
    referencedTable,
    referencedColumns: referencedColumns.split(', '),
    onDelete: onDelete.replace(' deferrable', ''),
    deferrable: onDelete.endsWith(' deferrable'),
  };
});
