import { Context } from '@temporalio/activity';
import type { CheckSourceInput, CheckSourceResult } from '../../contracts/names/workflows.ts';
import { readSourceModels } from '../../entities/agents/embedding-model-repository.ts';
import { findNamedId } from '../../entities/agents/named-resource-repository.ts';
import { readStoredSource } from '../../entities/sources/source-sync-repository.ts';
import { describeError } from './run-sync-step.ts';
import type { StoredSource, SyncDeps } from './sync-deps.ts';

/** Looks whether a source can be read, from where its syncs run; a source that cannot is an answer, not a failure. */
export function createCheckSource(deps: SyncDeps): (input: CheckSourceInput) => Promise<CheckSourceResult> {
  return async function checkSource(input) {
    try {
      const stored = await deps.database.inWorkspace(input.workspaceId, (em) => readStoredSource(em, input));
      if (!stored)
        return { ok: false, code: 'not_found', detail: 'There is no such knowledge source in this workspace.' };
      const source = deps.openSource(stored);
      try {
        const { detail, dimensions } = await source.check(Context.current().cancellationSignal);
        return { ok: true, code: null, detail: `${detail}${await aboutModel(deps, input, stored, dimensions)}` };
      } finally {
        await source.close();
      }
    } catch (error) {
      return { ok: false, ...describeError(error) };
    }
  };
}

/** Texts whose vectors cannot be taken over are simply embedded, which is paid for and would go unnoticed otherwise. */
async function aboutModel(
  deps: SyncDeps,
  input: CheckSourceInput,
  { configuration }: StoredSource,
  dimensions: number | undefined,
): Promise<string> {
  const name = configuration['embedding_model'];
  if (typeof name !== 'string') return '';
  const { workspaceId, knowledgeSourceId } = input;
  const reason = await deps.database.inWorkspace(workspaceId, async (em) => {
    const id = await findNamedId(em, 'models', name);
    if (id === null) return `There is no model "${name}" here`;
    const models = await readSourceModels(em, workspaceId, knowledgeSourceId);
    const other = models.find((model) => model.id !== id);
    if (other) return `The source is embedded with ${other.modelId} here, for searches that "${name}" does not serve`;
    const [model] = models;
    if (!model) return `The model "${name}" is not active`;
    if (dimensions === undefined || dimensions === model.dimensions) return null;
    return `The model "${name}" has ${model.dimensions} dimensions, and the vectors have ${dimensions}`;
  });
  return reason === null ? '' : ` ${reason}: its vectors are left, and all texts are embedded anew.`;
}
