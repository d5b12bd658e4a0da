import { v7 } from 'uuid';
import { query } from '../../../entities/sql.ts';
import type { Database } from '../../../platform/database.ts';

/** Ids of a workspace with a user, a chat model at an OpenAI-compatible endpoint and an agent. */
export type TestWorkspace = { workspaceId: string; userId: string; modelId: string; agentId: string };

/** Makes a workspace of its own for a test; the agent has no tools. */
export async function createWorkspace(
  database: Database,
  options: { endpoint?: string; model?: string; pricing?: Record<string, unknown> } = {},
): Promise<TestWorkspace> {
  const ids = { workspaceId: v7(), userId: v7(), modelId: v7(), agentId: v7() };
  await database.asOperator(async (em) => {
    await query(em, `insert into workspaces (id, name) values ($1, $2)`, [ids.workspaceId, `test ${ids.workspaceId}`]);
    await query(em, `insert into users (id, workspace_id, external_id) values ($1, $2, 'ada')`, [
      ids.userId,
      ids.workspaceId,
    ]);
    await query(
      em,
      `insert into models (id, workspace_id, name, kind, provider, model_id, endpoint, pricing)
       values ($1, $2, 'chat', 'chat', $3, $4, $5, $6)`,
      [
        ids.modelId,
        ids.workspaceId,
        options.endpoint === undefined ? 'extractive' : 'openai',
        options.model ?? 'fake',
        options.endpoint ?? null,
        JSON.stringify(options.pricing ?? { input_per_million: '1', output_per_million: '2', currency: 'USD' }),
      ],
    );
    await query(
      em,
      `insert into agents (id, workspace_id, name, system_prompt, model_id) values ($1, $2, 'agent', 'Be brief.', $3)`,
      [ids.agentId, ids.workspaceId, ids.modelId],
    );
  });
  return ids;
}

/** Makes a conversation of the workspace's user with its agent. */
export async function createConversation(database: Database, workspace: TestWorkspace): Promise<string> {
  const id = v7();
  await database.inWorkspace(workspace.workspaceId, (em) =>
    query(
      em,
      `insert into conversations (id, workspace_id, agent_id, user_id, model_name) values ($1, $2, $3, $4, 'chat')`,
      [id, workspace.workspaceId, workspace.agentId, workspace.userId],
    ),
  );
  return id;
}
