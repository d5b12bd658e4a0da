import { createHash, randomBytes } from 'node:crypto';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { EntityManager } from '@mikro-orm/postgresql';
import { replaceAgentTools } from '../entities/agents/agent-tool-repository.ts';
import { keepAgentVersion } from '../entities/agents/agent-version-repository.ts';
import { keepTemplateVersion } from '../entities/agents/prompt-template-version-repository.ts';
import {
  Agent,
  AgentPromptTemplate,
  ApiKey,
  KnowledgeSource,
  Model,
  PromptTemplate,
  RagTool,
  User,
  Workspace,
} from '../entities/index.ts';
import { query } from '../entities/sql.ts';
import { uuidV7 } from '../entities/uuid-v7.ts';
import { checkChatProvider, type ChatProviderSettings } from './check-chat-provider.ts';
import type { Database } from './database.ts';
import { registerChatModel } from './register-chat-model.ts';

/** Number of the advisory lock that lets one process at a time make the first rows. */
const firstStartLock = 7_400_002;

/** What the first start needs of the settings. */
export type FirstStartSettings = ChatProviderSettings & { PERDURE_HOME: string; PERDURE_SECRET_KEY: string };

/** The admin key, in the clear for this once (null if it was made before), and what the operator should be told. */
export type FirstStart = { apiKey: string | null; apiKeyFile: string; notices: string[] };

/**
 * Makes what a new database lacks to answer its first question: workspace, user, admin key, embedding and chat models,
 * source, tool and agent, all named as in docs/operations.md. Later starts only bring the chat model of the settings up to
 * date. Replicas may do this at once.
 */
export async function ensureFirstStart(database: Database, settings: FirstStartSettings): Promise<FirstStart> {
  const wanted = settings.OPENAI_API_KEY !== undefined || settings.OPENAI_BASE_URL !== undefined;
  const verdict = wanted ? await checkChatProvider(settings) : { usable: false, notice: null };
  const apiKeyFile = path.join(settings.PERDURE_HOME, 'api-key');
  return database.asOperator(async (em) => {
    await query(em, 'select pg_advisory_xact_lock($1)', [firstStartLock]);
    const existing = await em.findOne(Workspace, { name: 'default' });
    const made = existing === null ? await makeWorkspace(em, apiKeyFile) : null;
    const workspaceId = existing?.id ?? made!.workspaceId;
    const notices = verdict.notice === null ? [] : [verdict.notice];
    if (verdict.usable) notices.push(...(await registerChatModel(em, workspaceId, settings)));
    return { apiKey: made?.apiKey ?? null, apiKeyFile, notices };
  });
}

async function makeWorkspace(em: EntityManager, apiKeyFile: string): Promise<{ workspaceId: string; apiKey: string }> {
  const workspaceId = uuidV7();
  const apiKey = `pk_${randomBytes(32).toString('base64url')}`;
  em.create(Workspace, { id: workspaceId, name: 'default' });
  await em.flush();
  em.create(User, { id: uuidV7(), workspaceId, externalId: 'default' });
  em.create(ApiKey, {
    id: uuidV7(),
    workspaceId,
    name: 'first start',
    prefix: apiKey.slice(0, 8),
    keyHash: createHash('sha256').update(apiKey).digest(),
    role: 'admin',
  });
  em.create(KnowledgeSource, { id: uuidV7(), workspaceId, name: 'uploads', type: 'upload' });
  const embedding = em.create(Model, {
    id: uuidV7(),
    workspaceId,
    name: 'all-MiniLM-L6-v2',
    kind: 'embedding',
    provider: 'local',
    modelId: 'all-MiniLM-L6-v2',
    dimensions: 384,
  });
  const chat = em.create(Model, {
    id: uuidV7(),
    workspaceId,
    name: 'extractive',
    kind: 'chat',
    provider: 'extractive',
    modelId: 'extractive',
  });
  await em.flush();
  await query(em, 'select register_embedding_model($1)', [embedding.id]);
  const tool = em.create(RagTool, {
    id: uuidV7(),
    workspaceId,
    name: 'documents',
    description: 'Searches the documents of this workspace.',
    embeddingModelId: embedding.id,
    chunkSize: 240,
    chunkOverlap: 32,
    topK: 5,
  });
  const agent = em.create(Agent, {
    id: uuidV7(),
    workspaceId,
    name: 'assistant',
    description: 'Answers questions about the documents of this workspace, with citations.',
    systemPrompt:
      'You answer questions from the documents that you are given. Be brief and exact. When the documents do not contain ' +
      'the answer, say so.',
    modelId: chat.id,
  });
  await em.flush();
  await replaceAgentTools(em, { workspaceId, agentId: agent.id }, [{ type: 'rag_tool', id: tool.id }]);
  // For whatever language model the agent gets; the extractive one makes no titles.
  const title = em.create(PromptTemplate, {
    id: uuidV7(),
    workspaceId,
    name: 'titles',
    description: 'Asks for the title of a conversation.',
    template:
      'Give this conversation a title of at most six words, in the language of the question. Answer with the title alone.\n\n' +
      'Question: {{question}}\n\nAnswer: {{answer}}',
    type: 'title',
  });
  await em.flush();
  em.create(AgentPromptTemplate, { workspaceId, agentId: agent.id, promptTemplateId: title.id, position: 0 });
  await em.flush();
  await keepTemplateVersion(em, title.id);
  await keepAgentVersion(em, agent.id);
  // Before the commit: a crash in between leaves a file with a key that was never valid, and the next start writes
  // another. The other way round the only copy of a valid key could be lost.
  await writeKeyFile(apiKeyFile, apiKey);
  return { workspaceId, apiKey };
}

async function writeKeyFile(file: string, apiKey: string): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  const partial = `${file}.${process.pid}`;
  await writeFile(partial, `${apiKey}\n`, { mode: 0o600 });
  await rename(partial, file);
}
