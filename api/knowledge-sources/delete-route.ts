import { PerdureError } from '../../contracts/errors.ts';
import { idParamsSchema } from '../../contracts/fields.ts';
import { documentsChannel } from '../../contracts/names/limits.ts';
import { deleteSourceDocuments } from '../../entities/documents/document-repository.ts';
import { RagTool, RetrievalTool } from '../../entities/index.ts';
import { deleteSource } from '../../entities/sources/source-deletion-repository.ts';
import { cancelIngestion } from '../documents/cancel-ingestion.ts';
import { defineRoute } from '../framework/route.ts';
import { notFound } from '../framework/validate-request.ts';
import { applySchedule } from './apply-schedule.ts';
import { requireSource } from './require-source.ts';

/** One transaction each: so many documents are held for a moment. */
const deletedAtOnce = 50;

/** Deletes a source with its documents. */
export const deleteSourceRoute = defineRoute({
  method: 'DELETE',
  path: '/knowledge-sources/{id}',
  tag: 'Knowledge sources',
  summary: 'Delete a knowledge source that no tool uses, with all of its documents; final once answered',
  description:
    'Its syncs and ingestions are ended first. A request that breaks off is carried out all the same: from its first ' +
    'moment the source is gone, and a sweep deletes what documents are left.',
  scope: 'configuration:write',
  params: idParamsSchema,
  responses: { 204: null },
  problems: [409],
  handle: async ({ params, principal }, deps) => {
    const { workspaceId } = principal;
    const key = { workspaceId, knowledgeSourceId: params.id };
    const ended = await deps.database.inWorkspace(workspaceId, async (em) => {
      const source = await requireSource(em, params.id);
      const used = { knowledgeSourceId: params.id, deletedAt: null };
      const tool = (await em.findOne(RagTool, used)) ?? (await em.findOne(RetrievalTool, used));
      if (tool)
        throw new PerdureError(
          'conflict',
          `The knowledge source "${source.name}" is used by the tool "${tool.name}". Change or delete that first.`,
        );
      return deleteSource(em, key);
    });
    if (ended === null) throw notFound('knowledge source');
    // The rows fence whatever is not reached here.
    const quietly = (error: unknown) => deps.log.warn({ err: error }, 'left to the fence and the sweep');
    for (const sync of ended) await deps.starter.cancelSync({ ...key, ...sync }).catch(quietly);
    await applySchedule(deps, key).catch(quietly);
    for (;;) {
      const { documentIds, abandoned } = await deps.database.inWorkspace(workspaceId, (em) =>
        deleteSourceDocuments(em, { ...key, limit: deletedAtOnce }),
      );
      if (documentIds.length === 0) return { status: 204 };
      deps.notifier.notify(documentsChannel, documentIds);
      await cancelIngestion(deps, abandoned).catch(quietly);
    }
  },
});
