import { ApplicationFailure } from '@temporalio/activity';
import type { EntityManager } from '@mikro-orm/postgresql';
import { givenCaseSchema, type GivenCase } from '../../contracts/evaluation-case.ts';
import { passagesPerBlock } from '../../contracts/names/evaluation-plan.ts';
import type {
  ProposalLayout,
  ProposeBlockInput,
  ProposeCasesInput,
  ProposeCasesResult,
} from '../../contracts/names/workflows.ts';
import { proposeQuestions, type ProposedQuestion } from '../../domain/evaluations/propose-questions.ts';
import type { MetricReply, MetricRequest } from '../../domain/metrics/metric.ts';
import { estimateTokens } from '../../domain/prompting/estimate-tokens.ts';
import { storableText, storableValue } from '../../domain/turns/storable-text.ts';
import { storedModel } from '../../entities/agents/stored-model.ts';
import { unknownUsage } from '../../entities/conversations/turn-usage-repository.ts';
import { beginProposal, endProposal, readProposalPlan } from '../../entities/evaluations/case-proposal-repository.ts';
import { proposeCases } from '../../entities/evaluations/evaluation-dataset-repository.ts';
import {
  claimPassage,
  endPassage,
  holdPassage,
  settleProposalCall,
  startProposalCall,
  type ClaimedPassage,
  type PassageAttempt,
} from '../../entities/evaluations/proposal-passage-repository.ts';
import { readCalledModels } from '../../entities/evaluations/run-pace-repository.ts';
import type { CalledModel } from '../../entities/evaluations/run-pace-repository.ts';
import { completeChat } from '../../providers/chat/complete-chat.ts';
import { paceCall } from '../pacing/pace-calls.ts';
import { CallFault, faultOf } from './call-fault.ts';
import { itemFenced } from './change-writer.ts';
import { proposalCallId } from './evaluation-call-id.ts';
import type { EvaluationDeps } from './evaluation-deps.ts';
import { runEvaluationStep } from './run-evaluation-step.ts';

// Innocent passages are hit by kills too, but hardly ever so often.
const mostCrashes = 10;
const leastPauseMs = 500;
const longestPauseMs = 10_000;

/** Lets a proposal begin or go on, and says in which blocks its open passages are. */
export function createBeginProposal(deps: EvaluationDeps): (input: ProposeCasesInput) => Promise<ProposalLayout> {
  return async function beginProposing(key) {
    return runEvaluationStep(async () => {
      const open = await deps.database.inWorkspace(key.workspaceId, (em) => beginProposal(em, key));
      const blocks = Array.from({ length: Math.ceil((open?.length ?? 0) / passagesPerBlock) }, (_, block) =>
        open!.slice(block * passagesPerBlock, (block + 1) * passagesPerBlock),
      );
      return { isOpen: open !== null, blocks };
    });
  };
}

/**
 * Has the model write questions for some passages, one after the other; they wait beside the data set until a person
 * accepts them. What was answered is not asked again. A fault that may pass leaves its passage open, and this step is tried
 * again; one that has lasted longer than the proposal's patience leaves the passage failed.
 */
export function createProposeFromPassages(
  deps: EvaluationDeps,
): (input: ProposeBlockInput) => Promise<{ proposed: number }> {
  return async function proposeFromPassages({ workspaceId, proposalId, ordinals }) {
    return runEvaluationStep(async ({ signal }) => {
      const key = { workspaceId, proposalId };
      const read = await deps.database.inWorkspace(workspaceId, async (em) => {
        const plan = await readProposalPlan(em, key);
        if (plan === null) return null;
        const models = await readCalledModels(em, [plan.configuration.model.id]);
        return { ...plan, model: models.get(plan.configuration.model.id) };
      });
      if (read === null) throw itemFenced();
      const asking: Asking = { deps, signal, ...read };
      let proposed = 0;
      for (const ordinal of ordinals) {
        signal.throwIfAborted();
        const passage = await deps.database.inWorkspace(workspaceId, (em) => claimPassage(em, { ...key, ordinal }));
        if (passage === null) continue;
        proposed += await ask(asking, { ...key, ordinal, attempt: passage.attempt }, passage);
      }
      return { proposed };
    });
  };
}

/** Ends a proposal; `error` says why it could not go on. Again it changes nothing. */
export function createEndProposal(
  deps: EvaluationDeps,
): (
  input: ProposeCasesInput,
  stop: { status: 'failed' | 'cancelled'; error: { code: string; detail: string } } | null,
) => Promise<ProposeCasesResult> {
  return async function endProposing(key, stop) {
    return runEvaluationStep(async () => {
      const end = stop ?? { status: 'completed' as const, error: null };
      const ended = await deps.database.inWorkspace(key.workspaceId, (em) => endProposal(em, key, end));
      return { state: ended ? end.status : 'gone' };
    });
  };
}

type Asking = {
  deps: EvaluationDeps;
  signal: AbortSignal;
  datasetId: string;
  configuration: NonNullable<Awaited<ReturnType<typeof readProposalPlan>>>['configuration'];
  model: CalledModel | undefined;
};

/** Does one passage; returns how many questions of it are new. */
async function ask(asking: Asking, attempt: PassageAttempt, passage: ClaimedPassage): Promise<number> {
  const { deps, configuration, datasetId } = asking;
  const inWorkspace = within(deps, attempt);
  const fail = async (code: string, detail: string): Promise<number> => {
    await inWorkspace((em) => endPassage(em, attempt, { state: 'failed', error: { code, detail } })).then(orFenced);
    return 0;
  };
  const { title, text, replies } = passage;
  if (title === null || text === null)
    return fail('not_found', 'The document was deleted or replaced before the model was asked.');
  if (passage.crashes > mostCrashes)
    return fail('restarted_too_often', `The worker died ${passage.crashes} times while it did this passage.`);
  try {
    const { questions, instructions } = configuration;
    const asked = proposeQuestions({ title, text, questions, instructions });
    let next = asked.next();
    for (let position = 0; !next.done; position += 1) {
      const kept = replies[position];
      const reply = kept ?? (await answer(asking, attempt, position, next.value));
      next = asked.next({ state: 'answered', text: reply } satisfies MetricReply);
    }
    const judged = next.value;
    if (judged.state === 'unscored') return await fail('answer_unusable', judged.reason);
    const { usable, refused } = judged.value;
    const cases = usable.map((question) => caseOf(question, asking, attempt, passage));
    return await inWorkspace(async (em) => {
      // Before the data set is held: whoever ends the proposal does not wait for it.
      orFenced(await holdPassage(em, attempt));
      const proposed = await proposeCases(em, { workspaceId: attempt.workspaceId, datasetId, cases });
      orFenced(await endPassage(em, attempt, { state: 'done', proposed, refused: storableValue(refused) }));
      return proposed;
    });
  } catch (error) {
    if (!(error instanceof CallFault)) throw error;
    const lastedMs = passage.faulty_ms ?? 0;
    if (!error.retryable || lastedMs >= configuration.patience_seconds * 1000) return fail(error.code, error.detail);
    await inWorkspace((em) => endPassage(em, attempt, { state: 'pending' })).then(orFenced);
    throw ApplicationFailure.create({
      type: error.code,
      message: `${error.detail} The passages that wait for it are tried again.`,
      nextRetryDelay: error.retryAfterMs ?? Math.min(Math.max(lastedMs, leastPauseMs), longestPauseMs),
    });
  }
}

/** Asks the model once; what it says is kept when it arrives. @throws CallFault when it fails. */
async function answer(
  { deps, signal, model, configuration }: Asking,
  attempt: PassageAttempt,
  position: number,
  request: MetricRequest,
): Promise<string> {
  if (request.kind !== 'model') throw new TypeError(`A proposal asks for no ${request.kind}.`);
  const { id, name } = configuration.model;
  if (model === undefined) {
    const detail = `The model "${name}" was deleted or switched off.`;
    throw new CallFault(id, { code: 'unknown_model', detail, retryable: false });
  }
  const { messages, maxTokens, temperature } = request;
  const callId = proposalCallId(attempt, position);
  const inWorkspace = within(deps, attempt);
  const { provider, capabilities, pricing } = model;
  orFenced(await inWorkspace((em) => startProposalCall(em, attempt, { callId, modelId: id, pricing })));
  const tokens = messages.reduce((sum, message) => sum + estimateTokens(message.content), 0);
  try {
    const { value, usage } = await paceCall(
      deps.database,
      { workspaceId: attempt.workspaceId, modelId: id, provider, capabilities },
      { tokens, signal },
      {
        call: () =>
          completeChat(deps.chatModel(storedModel(model)), { messages, maxTokens, temperature, callId }, signal),
        tokensOf: (given) => given.usage.totalTokens,
      },
    );
    const reply = storableText(value);
    orFenced(await inWorkspace((em) => settleProposalCall(em, attempt, { callId, usage, reply })));
    return reply;
  } catch (error) {
    signal.throwIfAborted();
    const fault = faultOf(id, error);
    orFenced(await inWorkspace((em) => settleProposalCall(em, attempt, { callId, usage: unknownUsage, reply: null })));
    throw fault;
  }
}

function caseOf(
  { question, answer: expected, quote }: ProposedQuestion,
  { configuration }: Asking,
  { proposalId }: PassageAttempt,
  { document_id: document, chunk_index: chunkIndex, title }: ClaimedPassage,
): GivenCase {
  return givenCaseSchema.parse({
    input: { question: storableText(question) },
    expected_answer: storableText(expected),
    expected_documents: [document],
    expected_chunks: [{ document, chunk_index: chunkIndex }],
    tags: configuration.tags,
    metadata: { proposal_id: proposalId, model: configuration.model.name, title, quote: storableText(quote) },
  });
}

/** Runs transactions in the workspace of an attempt. */
function within({ database }: EvaluationDeps, { workspaceId }: PassageAttempt) {
  return <T>(work: (em: EntityManager) => Promise<T>): Promise<T> => database.inWorkspace(workspaceId, work);
}

function orFenced(isHeld: boolean): void {
  if (!isHeld) throw itemFenced();
}
