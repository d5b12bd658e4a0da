import type { EntityManager } from '@mikro-orm/postgresql';
import { keepAgentVersion } from '../entities/agents/agent-version-repository.ts';
import { Agent, Model } from '../entities/index.ts';
import { uuidV7 } from '../entities/uuid-v7.ts';
import type { ChatProviderSettings } from './check-chat-provider.ts';
import { open, seal, SealError } from './seal.ts';

/** Marks a row that the settings made and may change; a model that a user made is left alone. */
const managed = { managed_by: 'settings' };

/**
 * Registers the chat model of the settings, or brings its key and address up to date, and lets the agent `assistant`
 * use it unless a user has given that agent another model. Returns notices for the operator.
 */
export async function registerChatModel(
  em: EntityManager,
  workspaceId: string,
  settings: ChatProviderSettings & { PERDURE_SECRET_KEY: string },
): Promise<string[]> {
  const name = settings.PERDURE_CHAT_MODEL;
  const known = await em.findOne(Model, { workspaceId, name, deletedAt: null });
  if (known && known.capabilities['managed_by'] !== managed.managed_by)
    return [`A model named ${name} was registered through the API: it is used as it is, and OPENAI_API_KEY is not.`];
  const model =
    known ??
    em.create(Model, {
      id: uuidV7(),
      workspaceId,
      name,
      kind: 'chat',
      provider: 'openai',
      modelId: name,
      capabilities: managed,
    });
  model.endpoint = settings.OPENAI_BASE_URL ?? null;
  // A new nonce each time would change the row at every start.
  if (openOrNull(settings.PERDURE_SECRET_KEY, model.apiKey ?? null) !== (settings.OPENAI_API_KEY ?? null))
    model.apiKey = settings.OPENAI_API_KEY ? seal(settings.PERDURE_SECRET_KEY, settings.OPENAI_API_KEY) : null;
  await em.flush();
  await useInAssistant(em, workspaceId, model);
  return [];
}

async function useInAssistant(em: EntityManager, workspaceId: string, model: Model): Promise<void> {
  const agent = await em.findOne(Agent, { workspaceId, name: 'assistant', deletedAt: null });
  if (!agent || agent.modelId === model.id) return;
  const present = await em.findOneOrFail(Model, { workspaceId, id: agent.modelId });
  if (present.provider !== 'extractive' && present.capabilities['managed_by'] !== managed.managed_by) return;
  await keepAgentVersion(em, agent.id);
  agent.modelId = model.id;
  agent.version += 1;
  await em.flush();
  await keepAgentVersion(em, agent.id);
}

function openOrNull(secretKey: string, sealed: string | null): string | null {
  if (sealed === null) return null;
  try {
    return open(secretKey, sealed);
  } catch (error) {
    if (error instanceof SealError) return null;
    throw error;
  }
}
