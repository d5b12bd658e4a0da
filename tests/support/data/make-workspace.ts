import type { Database } from '../../../platform/database.ts';
import { Agent, Model, User, Workspace } from '../../../entities/index.ts';
import { uuidV7 } from '../../../entities/uuid-v7.ts';

/** Ids of the rows that most tests of the tables need. */
export type TestWorkspace = { workspaceId: string; userId: string; modelId: string; agentId: string };

/** Makes a workspace with a user, a chat model and an agent, all with names of their own. */
export async function makeWorkspace(database: Database): Promise<TestWorkspace> {
  const ids = { workspaceId: uuidV7(), userId: uuidV7(), modelId: uuidV7(), agentId: uuidV7() };
  await database.asOperator(async (em) => {
    em.create(Workspace, { id: ids.workspaceId, name: `workspace ${ids.workspaceId}` });
    await em.flush();
    em.create(User, { id: ids.userId, workspaceId: ids.workspaceId, externalId: 'someone' });
    em.create(Model, {
      id: ids.modelId,
      workspaceId: ids.workspaceId,
      name: 'chat',
      kind: 'chat',
      provider: 'extractive',
      modelId: 'extractive',
    });
    await em.flush();
    em.create(Agent, { id: ids.agentId, workspaceId: ids.workspaceId, name: 'agent', modelId: ids.modelId });
  });
  return ids;
}
