import { Context } from '@temporalio/activity';
import type { CheckSourceInput, CheckSourceResult } from '../../contracts/names/workflows.ts';
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
        const { detail } = await source.check(Context.current().cancellationSignal);
        return { ok: true, code: null, detail: `${detail}${await aboutModel(deps, input, stored)}` };
      } finally {
        await source.close();
      }
    } catch (error) {
      return { ok: false, ...describeError(error) };
    }
  };
}

/** A misspelt model would go unnoticed otherwise: texts whose vectors are of no model here are simply embedded. */
async function aboutModel(deps: SyncDeps, input: CheckSourceInput, { configuration }: StoredSource): Promise<string> {
  const name = configuration['embedding_model'];
  if (typeof name !== 'string') return '';
  const id = await deps.database.inWorkspace(input.workspaceId, (em) => findNamedId(em, 'models', name));
  return id === null ? ` There is no model "${name}" here: its vectors are left, and all texts are embedded anew.` : '';
}
