import { idParamsSchema } from '../../contracts/fields.ts';
import { modelSchema } from '../../contracts/model.ts';
import { endModelRest, rouseTurns } from '../../entities/conversations/resting-turn-repository.ts';
import { Model } from '../../entities/index.ts';
import type { PacedModel } from '../../entities/usage/rate-limit-repository.ts';
import { defineRoute, type RouteDeps } from '../framework/route.ts';
import { notFound } from '../framework/validate-request.ts';
import { presentModels } from './present-models.ts';

/** The route by which a model that rests is called again at once. */
export const resumeRoute = defineRoute({
  method: 'POST',
  path: '/models/{id}/resume',
  tag: 'Models',
  summary: 'Let a model that rests be called again at once',
  description:
    'For a model that works again, whatever it was that was mended outside of Perdure: its failures are forgotten, a pause ' +
    'that its provider has asked for is over, and turns that wait for it go on. `PATCH /models/{id}` does the same.',
  scope: 'configuration:write',
  params: idParamsSchema,
  responses: { 200: modelSchema },
  transaction: async (em, { params, principal }) => {
    const row = await em.findOne(Model, { id: params.id, deletedAt: null });
    if (row === null) throw notFound('model');
    await endModelRest(em, { workspaceId: principal.workspaceId, modelId: row.id });
    const [shown] = await presentModels([row], em);
    return { status: 200, body: shown };
  },
  afterCommit: (_reply, { params, principal }, deps) =>
    rouse(deps, { workspaceId: principal.workspaceId, modelId: params.id }),
});

/** Lets the turns go on that wait for a model whose rest has ended; one that cannot be told waits until its pause is over. */
export async function rouse({ database, starter }: RouteDeps, model: PacedModel): Promise<void> {
  const turns = await database.inWorkspace(model.workspaceId, (em) => rouseTurns(em, model));
  await Promise.all(turns.map((turn) => starter.endRest(turn)));
}
