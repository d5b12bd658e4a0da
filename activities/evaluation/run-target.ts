import type { TargetAnswer } from './target-answer.ts';
import { caseQuestion } from '../../domain/evaluations/case-messages.ts';
import type { ItemWork } from './item-work.ts';
import { askEndpoint } from './targets/ask-endpoint.ts';
import { askModel } from './targets/ask-model.ts';
import { ragPrompt, templatePrompt } from './targets/build-prompt.ts';
import { searchContexts } from './targets/search-contexts.ts';

/**
 * Lets the target of a run answer a case, but for agents, whose conversations take turns of their own. What it calls is
 * booked before. @throws CallFault when a model, an endpoint or the search fails.
 */
export async function runTarget(work: ItemWork): Promise<TargetAnswer> {
  const { run, item, variant } = work;
  const question = caseQuestion(item.input);
  switch (run.plan.type) {
    case 'retrieval_tool':
    case 'rag_tool': {
      if (variant.model === null) await work.write({ state: 'running' });
      const started = performance.now();
      const contexts = await searchContexts(work, question);
      const searchMs = performance.now() - started;
      if (variant.model === null)
        return { output: null, prompt: null, contexts, toolCalls: [], latencyMs: searchMs, cost: null };
      const { messages, passages } = ragPrompt(variant, item.input, contexts);
      const asked = await askModel(work, messages, passages);
      return { ...asked, contexts, toolCalls: [], latencyMs: (asked.latencyMs ?? 0) + searchMs };
    }
    case 'prompt_template': {
      const messages = await templatePrompt(work);
      return { ...(await askModel(work, messages, [])), contexts: [], toolCalls: [] };
    }
    case 'agent':
      throw new TypeError('The conversations of agents are not held by this step.');
    case 'endpoint':
    default:
      await work.write({ state: 'running' });
      return askEndpoint(work, { question });
  }
}
