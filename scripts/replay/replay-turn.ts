import { createHash } from 'node:crypto';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { ConversationDeps } from '../../activities/conversation/conversation-deps.ts';
import { assembleStep } from '../../activities/conversation/prompt/assemble-step.ts';
import { readSource } from '../../activities/conversation/prompt/prepare-turn.ts';
import { seePrompts } from '../../activities/conversation/prompt/see-prompts.ts';
import { retrievedPassages, takenSteps, toNumbered } from '../../activities/conversation/taken-steps.ts';
import type { PromptMessage } from '../../domain/prompting/prompt-message.ts';
import type { StoredPrompt } from '../../domain/prompting/stored-prompt.ts';
import { toolsOfTopic } from '../../domain/turns/topic-tools.ts';
import { readPromptReferences } from '../../entities/conversations/prompt-reference-repository.ts';
import {
  findReplayedTurn,
  findReplayModel,
  startReplayUsage,
  type ReplayedTurn,
  type ReplayModel,
} from '../../entities/conversations/replay-repository.ts';
import { settleUsage, type ProviderUsage } from '../../entities/conversations/turn-usage-repository.ts';
import { uuidV7 } from '../../entities/uuid-v7.ts';
import { readCallResults } from '../../entities/conversations/tool-call-repository.ts';
import { readSteps, type CompletedStep } from '../../entities/conversations/turn-step-repository.ts';
import type { ChatModel, ChatRequest } from '../../providers/chat-model.ts';
import { askModel } from './ask-model.ts';
import { describeAnswer, describePrompt } from './describe-step.ts';

/** What is to be different this time; an empty object runs the turn as it was, and calls nothing. */
export type ReplayChanges = { systemPrompt?: string; model?: string };

/** A step of a turn that was run again. `was` and `is` are texts to compare; null where the step was only read. */
export type ReplayedStep = {
  step: number;
  kind: CompletedStep['kind'];
  note: string;
  compared: Array<{ what: 'prompt' | 'hash' | 'answer'; was: string; is: string }>;
};

type Deps = Pick<ConversationDeps, 'database' | 'chatModel' | 'tools'>;

/**
 * Runs a turn again from its recorded steps: assembles each prompt anew from the rows and compares it with what was sent.
 * With changes it also calls the model with the changed prompt, and compares what it says; tools are never run, their
 * recorded results stand in for them. Writes nothing but the usage of such calls. @throws Error when there is no such turn or model.
 */
export async function* replayTurn(deps: Deps, turnId: string, changes: ReplayChanges): AsyncGenerator<ReplayedStep> {
  const turn = await deps.database.asOperator((em) => findReplayedTurn(em, turnId));
  if (!turn) throw new Error(`There is no turn ${turnId}.`);
  const inWorkspace = <T>(work: (em: EntityManager) => Promise<T>) => deps.database.inWorkspace(turn.workspaceId, work);
  const { steps, prompts } = await inWorkspace(async (em) => ({
    steps: await readSteps(em, turnId),
    prompts: seePrompts(await readPromptReferences(em, turnId)),
  }));
  const isChanged = changes.systemPrompt !== undefined || changes.model !== undefined;
  for (const [place, recorded] of steps.entries()) {
    const { step, kind } = recorded;
    if (kind !== 'model') {
      yield { step, kind, note: noteOf(recorded), compared: [] };
      continue;
    }
    const done = steps.slice(0, place);
    const isLast = !steps.slice(place + 1).some((later) => later.kind === 'model');
    const again = await inWorkspace((em) => assembleAgain(deps, em, { turn, turnId, done, recorded, isLast, changes }));
    const compared: ReplayedStep['compared'] = [];
    // A changed prompt differs by what was changed: what is compared then is the answer.
    if (!isChanged) {
      const was = describePrompt(prompts.get(step) ?? []);
      compared.push({ what: 'prompt', was, is: describePrompt(again.messages) });
      // A record refers to messages by their rows; that they are what they were then, only the hash tells.
      compared.push({ what: 'hash', was: hashIn(recorded), is: hashOf(again) });
    }
    const note = isChanged ? `asked "${again.modelName}"` : `${again.messages.length} messages`;
    if (isChanged) {
      const answer = await payFor(inWorkspace, turn, again);
      compared.push({ what: 'answer', was: describeAnswer(recorded.response), is: describeAnswer(answer) });
    }
    yield { step, kind, note, compared };
  }
}

type Again = { messages: PromptMessage[]; row: ReplayModel; model: ChatModel; modelName: string; request: ChatRequest };

/** Asks the model; the call is booked before it is made, and settled with the provider's figures, like those of turns. */
async function payFor(
  inWorkspace: <T>(work: (em: EntityManager) => Promise<T>) => Promise<T>,
  { workspaceId, agentId }: ReplayedTurn,
  { row, model, request }: Again,
): Promise<Awaited<ReturnType<typeof askModel>>> {
  const callId = uuidV7();
  const { id: modelId, pricing } = row;
  await inWorkspace((em) => startReplayUsage(em, { callId, workspaceId, agentId, modelId, pricing }));
  const unknown = { promptTokens: null, completionTokens: null, totalTokens: null };
  const settle = (usage: ProviderUsage) => inWorkspace((em) => settleUsage(em, callId, usage));
  try {
    const answer = await askModel(model, { ...request, callId });
    await settle(answer.usage ?? unknown);
    return answer;
  } catch (error) {
    await settle(unknown);
    throw error;
  }
}

async function assembleAgain(
  deps: Deps,
  em: EntityManager,
  given: {
    turn: ReplayedTurn;
    turnId: string;
    done: readonly CompletedStep[];
    recorded: CompletedStep;
    isLast: boolean;
    changes: ReplayChanges;
  },
): Promise<Again> {
  const { turn, turnId, done, recorded, isLast, changes } = given;
  const row = await requireModel(em, changes.model ?? answeringModel(recorded, turn));
  const model = deps.chatModel(row);
  const read = await readSource(em, turnId, model);
  if (!read) throw new Error(`The conversation of turn ${turnId} was deleted.`);
  const { systemPrompt = read.agent.system_prompt } = changes;
  const source = { ...read, agent: { ...read.agent, system_prompt: systemPrompt } };
  const references = toolsOfTopic(source.agent.tools, source.agent.topics, source.topic);
  const resolved = await deps.tools.resolve(em, { workspaceId: turn.workspaceId, references });
  const tools = model.supportsTools ? resolved.tools.map(({ definition }) => definition) : [];
  const limit = isLast ? turn.limitReached : null;
  const passages = retrievedPassages(done).map(toNumbered);
  const before = new Set(done.map(({ step }) => step));
  const results = (await readCallResults(em, turnId)).filter(({ step }) => before.has(step));
  const models = done.filter(({ kind }) => kind === 'model');
  const { messages } = await assembleStep(em, {
    conversationId: turn.conversationId,
    modelId: row.id,
    source,
    model: { ...model, capabilities: row.capabilities },
    tools,
    passages,
    steps: takenSteps(done, results),
    former: new Map(models.map((earlier) => [earlier.step, earlier.request as StoredPrompt])),
    limit,
  });
  const { temperature, max_tokens: maxTokens } = source.agent;
  const offered = tools.map(({ name, description, parameters }) => ({ name, description, parameters }));
  const request: ChatRequest = {
    messages,
    passages,
    ...(offered.length > 0 && { tools: offered, ...(limit !== null && { toolChoice: 'none' as const }) }),
    ...(temperature !== null && { temperature }),
    ...(maxTokens !== null && { maxTokens }),
  };
  return { messages, row, model, modelName: row.name, request };
}

function hashIn({ request }: CompletedStep): string {
  const hash = request['prompt_hash'];
  return typeof hash === 'string' ? hash : 'none';
}

function hashOf({ messages }: Again): string {
  return createHash('sha256').update(JSON.stringify(messages)).digest('hex');
}

/** The model that a step was answered by: its step names it, which matters where another one had to step in. */
function answeringModel({ request }: CompletedStep, { modelId }: ReplayedTurn): string {
  const name = request['model'];
  return typeof name === 'string' ? name : modelId;
}

async function requireModel(em: EntityManager, nameOrId: string): Promise<ReplayModel> {
  const model = await findReplayModel(em, nameOrId);
  if (!model) throw new Error(`There is no chat model "${nameOrId}" in the workspace of the turn.`);
  return model;
}

function noteOf({ kind, response }: CompletedStep): string {
  if (kind === 'retrieve')
    return `${(response['passages'] as unknown[] | undefined)?.length ?? 0} passages, as recorded`;
  if (typeof response['left_by'] === 'string') return `failed (${String(response['error'])}), left to the next model`;
  if (kind === 'route') return `topic ${JSON.stringify(response['topic'] ?? null)}, as recorded`;
  return 'as recorded';
}
