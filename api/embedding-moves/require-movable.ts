import type { EntityManager } from '@mikro-orm/postgresql';
import { PerdureError } from '../../contracts/errors.ts';
import { findEmbeddingModel } from '../../entities/agents/embedding-model-repository.ts';
import { largestChunk, readMovedTools, type MoveScope } from '../../entities/agents/embedding-move-repository.ts';
import type { RouteDeps } from '../framework/route.ts';
import { requireReference } from '../framework/require-reference.ts';

// The markers that a model adds to each text.
const markerTokens = 2;

/**
 * The embedding model that a scope may be moved to.
 * @throws PerdureError `bad_request` or `conflict`: it is none, is not active, has a smaller window than the chunks, or no
 * tool would be switched.
 */
export async function requireMovable(
  em: EntityManager,
  deps: Pick<RouteDeps, 'embeddingModel'>,
  scope: MoveScope,
  nameOrId: string,
): Promise<string> {
  const path = 'body.embedding_model';
  const id = await requireReference(em, 'models', path, nameOrId);
  const model = await findEmbeddingModel(em, id);
  if (!model?.isActive) {
    throw refuse(path, `"${nameOrId}" is ${model ? 'not active: set is_active first' : 'a chat model'}`);
  }
  const tools = await readMovedTools(em, scope);
  if (tools.length === 0) {
    throw new PerdureError(
      'conflict',
      'No RAG tool reads this source alone, so nothing would search by the new model. Create a RAG tool for it, or move the tool that reads all sources.',
    );
  }
  const { provider, modelId, endpoint, apiKey, capabilities, dimensions } = model;
  const settings = { id, provider, model_id: modelId, endpoint, api_key: apiKey, capabilities, dimensions };
  const room = deps.embeddingModel(settings).maxTokens - markerTokens;
  const tool = tools.find(({ chunkSize }) => chunkSize > room);
  if (tool) {
    throw refuse(
      path,
      `"${model.name}" reads ${room} tokens of a text, and the RAG tool "${tool.name}" cuts chunks of ${tool.chunkSize}. ` +
        `Set its chunk_size to at most ${room} and ingest its documents again first`,
    );
  }
  const stored = await largestChunk(em, scope);
  if (stored > room) {
    throw refuse(
      path,
      `"${model.name}" reads ${room} tokens of a text, and stored chunks have up to ${stored}. ` +
        'Ingest the documents again with a smaller chunk_size first',
    );
  }
  return id;
}

function refuse(path: string, message: string): PerdureError {
  return new PerdureError('bad_request', `${path}: ${message}.`, { errors: [{ path, message }] });
}
