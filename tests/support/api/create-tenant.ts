import { createHash, randomBytes } from 'node:crypto';
import { replaceAgentTools } from '../../../entities/agents/agent-tool-repository.ts';
import { registerEmbeddingModel } from '../../../entities/agents/embedding-model-registration.ts';
import { Agent, ApiKey, KnowledgeSource, Model, RagTool, Workspace } from '../../../entities/index.ts';
import { uuidV7 } from '../../../entities/uuid-v7.ts';
import type { Database } from '../../../platform/database.ts';

/** A workspace as the first start makes it, and its admin key. */
export type Tenant = { workspaceId: string; key: string; keyId: string };

/** Makes a workspace with models, source, tool and agent of the usual names, and a key of the role. */
export async function createTenant(database: Database): Promise<Tenant> {
  const workspaceId = uuidV7();
  await database.asOperator(async (em) => {
    em.create(Workspace, { id: workspaceId, name: `workspace ${workspaceId}` });
    await em.flush();
    const model = { workspaceId, name: 'all-MiniLM-L6-v2', modelId: 'all-MiniLM-L6-v2', provider: 'local' };
    const embedding = em.create(Model, { ...model, id: uuidV7(), kind: 'embedding', dimensions: 384 });
    const answerer = { workspaceId, name: 'extractive', modelId: 'extractive', provider: 'extractive' };
    const chat = em.create(Model, { ...answerer, id: uuidV7(), kind: 'chat' });
    em.create(KnowledgeSource, { id: uuidV7(), workspaceId, name: 'uploads', type: 'upload' });
    await em.flush();
    await registerEmbeddingModel(em, embedding.id);
    const tool = em.create(RagTool, { id: uuidV7(), workspaceId, name: 'documents', embeddingModelId: embedding.id });
    const agent = em.create(Agent, { id: uuidV7(), workspaceId, name: 'assistant', modelId: chat.id });
    await em.flush();
    await replaceAgentTools(em, { workspaceId, agentId: agent.id }, [{ type: 'rag_tool', id: tool.id }]);
  });
  return { workspaceId, ...(await createKey(database, workspaceId, 'admin')) };
}

/** Makes another key of a workspace. */
export async function createKey(
  database: Database,
  workspaceId: string,
  role: 'admin' | 'member' | 'viewer',
  scopes: string[] = [],
): Promise<{ key: string; keyId: string }> {
  const key = `pk_${randomBytes(32).toString('base64url')}`;
  const keyId = uuidV7();
  await database.asOperator(async (em) => {
    const keyHash = createHash('sha256').update(key).digest();
    em.create(ApiKey, { id: keyId, workspaceId, name: role, prefix: key.slice(0, 8), keyHash, role, scopes });
    await em.flush();
  });
  return { key, keyId };
}
