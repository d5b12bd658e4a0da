import { ApplicationFailure } from '@temporalio/activity';
import { v5 } from 'uuid';
import { errorTable, type ErrorCode } from '../../contracts/errors.ts';
import type { PromptMessage } from '../../domain/prompting/prompt-message.ts';
import { settleUnknownCalls, startMemoryUsage } from '../../entities/memory/memory-usage-repository.ts';
import { askAside, isFaultOfModel, settleAside } from '../conversation/ask-aside.ts';
import type { SideModel } from '../conversation/side-models.ts';
import type { MemoryDeps } from './memory-deps.ts';
import type { MemoryStep } from './run-memory-step.ts';

const callNamespace = '0d3a6c1e-9a58-4c59-8f0c-5b0f0a3e7d42';
// The second with what was wrong with the first answer.
const asksPerModel = 2;
const mostAnswerTokens = 4000;

/** Longer than any attempt of a step may take: what began earlier and is open was lost. */
export const longestCallSeconds = 600;

/** A question to which the answer is JSON. */
export type JsonQuestion<T> = {
  workspaceId: string;
  userId: string;
  /** Names the question among those of the run. */
  purpose: string;
  models: readonly SideModel[];
  messages: readonly PromptMessage[];
  /** Reads an answer, or says what is wrong with it. */
  read(text: string): T | { mistake: string };
};

/**
 * Asks the models in their order until one answers in the form that is asked for, each in paid calls of its own that are
 * booked before they are made. A model whose answer cannot be read is told why and asked once more.
 * @throws ApplicationFailure with the code of the last fault when no model answers.
 */
export async function askForJson<T extends object>(
  deps: Pick<MemoryDeps, 'database' | 'metrics'>,
  question: JsonQuestion<T>,
  { signal, attempt, runId }: MemoryStep,
): Promise<{ value: Exclude<T, { mistake: string }>; model: string }> {
  const { workspaceId, userId, models, messages } = question;
  const callId = (place: number, ask: number, of: number) =>
    v5(`${runId}/${question.purpose}/${place}/${ask}/${of}`, callNamespace);
  await settleEarlier(deps, question, (place, ask) => callId(place, ask, attempt - 1), attempt);
  let last: ErrorCode = 'provider_malformed_response';
  let isUnusable = false;
  for (const [place, model] of models.entries()) {
    let asked: readonly PromptMessage[] = messages;
    for (let ask = 0; ask < asksPerModel; ask += 1) {
      const id = callId(place, ask, attempt);
      const { modelId, pricing } = model;
      await deps.database.inWorkspace(workspaceId, (em) =>
        startMemoryUsage(em, { callId: id, workspaceId, userId, modelId, attempt, pricing }),
      );
      const chat = { messages: asked, temperature: 0, maxTokens: mostAnswerTokens, callId: id };
      const answer = await askAside(deps, model, model.chat, chat, signal);
      await deps.database.inWorkspace(workspaceId, (em) => settleAside(em, model, id, answer));
      isUnusable = answer.code === null;
      if (answer.code !== null) {
        last = answer.code as ErrorCode;
        break;
      }
      const read = question.read(answer.text ?? '');
      if (!('mistake' in read)) return { value: read as Exclude<T, { mistake: string }>, model: model.name };
      last = 'provider_malformed_response';
      asked = [
        ...messages,
        { role: 'assistant', content: answer.text ?? '' },
        { role: 'user', content: `That cannot be used: ${read.mistake} Answer again, with JSON alone.` },
      ];
    }
    const isOver = place === models.length - 1 || !isFaultOfModel(last);
    deps.metrics.modelFailed({ model: model.name, code: last, outcome: isOver ? 'gave_up' : 'fell_back' });
    if (isOver) break;
  }
  throw ApplicationFailure.create({
    type: last,
    message: `No model could be asked about the memory: ${errorTable[last].title}.`,
    // A model that cannot write what is asked for would be paid for the same again.
    nonRetryable: isUnusable || !errorTable[last].retryable,
  });
}

/** An attempt before this one may have died with its calls open. */
async function settleEarlier(
  deps: Pick<MemoryDeps, 'database'>,
  { workspaceId, models }: Pick<JsonQuestion<object>, 'workspaceId' | 'models'>,
  callId: (place: number, ask: number) => string,
  attempt: number,
): Promise<void> {
  if (attempt === 1) return;
  const ids = models.flatMap((_model, place) => Array.from({ length: asksPerModel }, (_, ask) => callId(place, ask)));
  await deps.database.inWorkspace(workspaceId, (em) => settleUnknownCalls(em, ids));
}
