import type { EntityManager } from '@mikro-orm/postgresql';
import { lockEmbeddingModels } from '../../entities/agents/embedding-model-repository.ts';
import { lacksVectors, requestMove } from '../../entities/agents/embedding-move-repository.ts';
import type { RagTool } from '../../entities/index.ts';
import { uuidV7 } from '../../entities/uuid-v7.ts';

/**
 * Has the documents that a new or changed tool reads embedded with its model where they are not yet; the sweep starts the
 * work a few seconds after the commit. From the commit on nothing is published without these vectors.
 */
export async function requestMissingVectors(em: EntityManager, tool: RagTool): Promise<void> {
  const { workspaceId, id: ragToolId, embeddingModelId: modelId } = tool;
  const knowledgeSourceId = tool.knowledgeSourceId ?? null;
  await lockEmbeddingModels(em, workspaceId, 'exclusive');
  // The move refers to the tool.
  await em.flush();
  if (!(await lacksVectors(em, { workspaceId, knowledgeSourceId, modelId }))) return;
  await requestMove(em, { workspaceId, moveId: uuidV7(), knowledgeSourceId, ragToolId, modelId });
}
