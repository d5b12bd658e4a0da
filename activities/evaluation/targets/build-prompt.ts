import type { PlannedVariant } from '../../../contracts/names/evaluation-plan.ts';
import { fillTemplate } from '../../../contracts/names/fill-template.ts';
import { caseMessages, caseQuestion } from '../../../domain/evaluations/case-messages.ts';
import { systemText } from '../../../domain/prompting/system-text.ts';
import { findVersion } from '../../../entities/agents/version-repository.ts';
import type { ClaimedItem, StoredContext } from '../../../entities/evaluations/evaluation-item-repository.ts';
import type { ChatMessage, Passage } from '../../../providers/chat-model.ts';
import { CallFault } from '../call-fault.ts';
import type { ItemWork } from '../item-work.ts';

const briefly = 'You answer questions from documents, briefly and exactly.';

/** The prompt that lets a model answer from what a search has found. */
export function ragPrompt(
  { instructions }: PlannedVariant,
  input: ClaimedItem['input'],
  contexts: readonly StoredContext[],
): { messages: ChatMessage[]; passages: Passage[] } {
  const passages = contexts.map(({ title, text }, index) => ({ n: index + 1, title, text }));
  const system = systemText({
    instructions: [instructions ?? briefly],
    memory: '',
    summary: '',
    effects: [],
    passages,
    offersTools: false,
    offersSearch: false,
  });
  return { messages: [{ role: 'system', content: system }, ...caseMessages(input)], passages };
}

/**
 * The prompt that a template makes of a case: its variables, with the question as `question`. A template of the type
 * `system` stands before the case's messages; any other is the user's message.
 */
export async function templatePrompt({ run, item, variant }: ItemWork): Promise<ChatMessage[]> {
  const { id = '', name = '', version = '0' } = variant.template ?? {};
  const key = `${id}@${version}`;
  let snapshot = run.templates.get(key);
  if (snapshot === undefined) {
    const found = await run.deps.database.inWorkspace(run.key.workspaceId, (em) =>
      findVersion(em, 'promptTemplate', id, Number(version)),
    );
    const gone = `Version ${version} of the prompt template "${name}" is gone.`;
    if (found === null) throw new CallFault(`template ${id}`, { code: 'not_found', detail: gone, retryable: false });
    ({ snapshot } = found);
    run.templates.set(key, snapshot);
  }
  const { template, variables, type } = snapshot;
  const values = { question: caseQuestion(item.input), ...item.input.variables };
  const filled = fillTemplate(template, variables, values);
  if ('unfilled' in filled) {
    const missing = filled.unfilled.map((each) => `{{${each.name}}} ${each.reason}`).join('; ');
    throw new CallFault(`template ${id}`, { code: 'prompt_variable_missing', detail: `${missing}.`, retryable: false });
  }
  const messages = caseMessages(item.input);
  if (type === 'system') return [{ role: 'system', content: filled.text }, ...messages];
  return [...messages.slice(0, -1), { role: 'user', content: filled.text }];
}
