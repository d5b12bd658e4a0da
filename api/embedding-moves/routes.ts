import type { EntityManager } from '@mikro-orm/postgresql';
import {
  embeddingMoveSchema,
  moveRequestedSchema,
  newestMoveSchema,
  requestMoveSchema,
} from '../../contracts/embedding-move.ts';
import { PerdureError } from '../../contracts/errors.ts';
import { idParamsSchema } from '../../contracts/fields.ts';
import { findMove, requestMove, type MoveScope } from '../../entities/agents/embedding-move-repository.ts';
import { RagTool } from '../../entities/index.ts';
import { uuidV7 } from '../../entities/uuid-v7.ts';
import { reachWorkflow } from '../framework/reach-workflow.ts';
import { defineRoute, type Route } from '../framework/route.ts';
import { notFound } from '../framework/validate-request.ts';
import { requireSource } from '../knowledge-sources/require-source.ts';
import { presentMove } from './present-move.ts';
import { requireMovable } from './require-movable.ts';

/** What can be moved: where its routes are, and what it stands for. @throws PerdureError `not_found` */
type Movable = {
  path: `/${string}`;
  tag: string;
  noun: string;
  scopeOf(em: EntityManager, id: string): Promise<MoveScope>;
};

const source: Movable = {
  path: '/knowledge-sources/{id}/embedding-model',
  tag: 'Knowledge sources',
  noun: 'the RAG tools of a source',
  scopeOf: async (em, id) => ({ knowledgeSourceId: (await requireSource(em, id)).id, ragToolId: null }),
};

const tool: Movable = {
  path: '/rag-tools/{id}/embedding-model',
  tag: 'RAG tools',
  noun: 'a RAG tool',
  scopeOf: async (em, id) => {
    const row = await em.findOne(RagTool, { id, deletedAt: null });
    if (!row) throw notFound('RAG tool');
    return { knowledgeSourceId: row.knowledgeSourceId ?? null, ragToolId: row.id };
  },
};

function moveRoutes({ path, tag, noun, scopeOf }: Movable): Route[] {
  const request = defineRoute({
    method: 'POST',
    path,
    tag,
    summary: `Move ${noun} to another embedding model, in the background`,
    description:
      'Answers 202 once the move is committed. All documents are embedded with the new model, also those that are ' +
      'ingested meanwhile; search uses the former model until nothing is missing, and then the new one at once. What ' +
      'nothing reads afterwards is deleted. While a move is under way, that one is answered.',
    scope: 'configuration:write',
    params: idParamsSchema,
    body: requestMoveSchema,
    example: { embedding_model: 'text-embedding-3-large' },
    idempotent: true,
    responses: { 202: moveRequestedSchema },
    problems: [409],
    transaction: async (em, { params, body, principal }, deps) => {
      const { workspaceId } = principal;
      const scope = await scopeOf(em, params.id);
      const modelId = await requireMovable(em, deps, scope, body.embedding_model);
      const { outcome, move } = await requestMove(em, { workspaceId, moveId: uuidV7(), ...scope, modelId });
      if (outcome === 'running' && move.modelId !== modelId) {
        throw new PerdureError(
          'conflict',
          `A move to "${move.modelName}" is under way. Wait for its end, or cancel it first.`,
        );
      }
      return { status: 202, body: { started: outcome === 'started', move: presentMove(move) } };
    },
    afterCommit: async (reply, { principal }, deps) => {
      const { move } = moveRequestedSchema.parse(reply.body);
      await deps.starter.startMove({ workspaceId: principal.workspaceId, moveId: move.id });
    },
  });

  const show = defineRoute({
    method: 'GET',
    path,
    tag,
    summary: `The newest move of ${noun} to another embedding model`,
    scope: 'configuration:read',
    params: idParamsSchema,
    responses: { 200: newestMoveSchema },
    transaction: async (em, { params }) => {
      const move = await findMove(em, await scopeOf(em, params.id));
      return { status: 200, body: { move: move && presentMove(move) } };
    },
  });

  const cancel = defineRoute({
    method: 'POST',
    path: `${path}/cancel`,
    tag,
    summary: `Stop the move of ${noun} to another embedding model; the former one serves on`,
    description: 'Answers with the move as it stands; its `state` turns to cancelled once it has stopped.',
    scope: 'configuration:write',
    params: idParamsSchema,
    responses: { 202: embeddingMoveSchema },
    problems: [409],
    handle: async ({ params, principal }, deps) => {
      const { workspaceId } = principal;
      const shown = await deps.database.inWorkspace(workspaceId, async (em) => {
        const move = await findMove(em, await scopeOf(em, params.id));
        if (!move || (move.state !== 'accepted' && move.state !== 'running')) {
          throw new PerdureError('conflict', 'No move to another embedding model is under way.');
        }
        return presentMove(move);
      });
      const input = { workspaceId, moveId: shown.id };
      await reachWorkflow(
        deps,
        async () => {
          // One that was accepted and never started is started here, so that the cancel has somebody to reach.
          await deps.starter.startMove(input);
          await deps.starter.cancelMove(input);
        },
        'the move goes on',
      );
      return { status: 202, body: shown };
    },
  });
  return [request, show, cancel];
}

/** Routes that move sources and RAG tools to another embedding model. */
export const embeddingMoveRoutes = [...moveRoutes(source), ...moveRoutes(tool)];
