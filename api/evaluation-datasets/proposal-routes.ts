import type { EntityManager } from '@mikro-orm/postgresql';
import { PerdureError } from '../../contracts/errors.ts';
import {
  caseProposalParamsSchema,
  caseProposalSchema,
  proposeCasesSchema,
  type CaseProposal,
} from '../../contracts/evaluation-dataset.ts';
import { idParamsSchema } from '../../contracts/fields.ts';
import { pageOf, pageQuerySchema } from '../../contracts/page.ts';
import {
  createProposal,
  endProposal,
  findProposal,
  listProposals,
  type ProposalRow,
} from '../../entities/evaluations/case-proposal-repository.ts';
import { readPlannedModel } from '../../entities/evaluations/planned-reference-repository.ts';
import { uuidV7 } from '../../entities/uuid-v7.ts';
import { readCursor, toPage, uuidCursor } from '../framework/page.ts';
import { presentTime } from '../framework/present-time.ts';
import { requireReference } from '../framework/require-reference.ts';
import { defineRoute } from '../framework/route.ts';
import { notFound } from '../framework/validate-request.ts';
import { requireDataset } from './change-cases.ts';

const tag = 'Evaluation data sets';

const propose = defineRoute({
  method: 'POST',
  path: '/evaluation-datasets/{id}/propose',
  tag,
  summary: 'Have a model propose cases made of documents',
  description:
    'Answers 202 once the passages are chosen: one of each document before a second of any, and only of documents that ' +
    'everybody in the workspace may see. The model writes questions with answers and the words that bear them out; a ' +
    'question whose words are not in the passage is refused. Cases wait until a person accepts them.',
  scope: 'evaluations:write',
  params: idParamsSchema,
  body: proposeCasesSchema,
  idempotent: true,
  responses: { 202: caseProposalSchema },
  problems: [422],
  example: { model: 'assistant', passages: 10 },
  transaction: async (em, { params, principal, body }) => {
    const { workspaceId } = principal;
    await requireDataset(em, params.id);
    const { kind, ...model } = await readPlannedModel(
      em,
      await requireReference(em, 'models', 'body.model', body.model),
    );
    if (kind !== 'chat') throw refused('body.model', `"${model.name}" is no chat model`);
    const source = body.knowledge_source;
    const proposalId = uuidV7();
    const passages = await createProposal(em, {
      workspaceId,
      proposalId,
      datasetId: params.id,
      configuration: {
        model,
        questions: body.questions_per_passage,
        instructions: body.instructions ?? null,
        tags: body.tags,
        patience_seconds: body.patience_seconds,
      },
      documents: body.documents ?? null,
      knowledgeSourceId:
        source === undefined ? null : await requireReference(em, 'knowledge_sources', 'body.knowledge_source', source),
      passages: body.passages,
      seed: body.seed,
    });
    if (passages === 0) {
      const among = body.documents === undefined && source === undefined ? 'this workspace' : 'what was named';
      const message = `there is no passage in ${among} to ask about; ingest documents for everybody first`;
      throw refused(body.documents === undefined ? 'body' : 'body.documents', message);
    }
    const proposal = await requireProposal(em, params.id, proposalId);
    const location = `/evaluation-datasets/${params.id}/proposals/${proposalId}`;
    return { status: 202, body: presentProposal(proposal), headers: { location } };
  },
  afterCommit: async (reply, { principal }, deps) => {
    const { id } = caseProposalSchema.parse(reply.body);
    await deps.evaluations.startProposal({ workspaceId: principal.workspaceId, proposalId: id });
  },
});

const list = defineRoute({
  method: 'GET',
  path: '/evaluation-datasets/{id}/proposals',
  tag,
  summary: 'The proposals of a data set, newest first',
  scope: 'evaluations:read',
  params: idParamsSchema,
  query: pageQuerySchema,
  responses: { 200: pageOf(caseProposalSchema) },
  transaction: async (em, { params, query: { limit, cursor } }) => {
    await requireDataset(em, params.id);
    const beforeId = readCursor(cursor, uuidCursor);
    const rows = await listProposals(em, { datasetId: params.id, beforeId, limit: limit + 1 });
    return { status: 200, body: toPage(rows, limit, (row) => row.id, presentProposal) };
  },
});

const read = defineRoute({
  method: 'GET',
  path: '/evaluation-datasets/{id}/proposals/{proposal_id}',
  tag,
  summary: 'How far a proposal of cases is',
  scope: 'evaluations:read',
  params: caseProposalParamsSchema,
  responses: { 200: caseProposalSchema },
  transaction: async (em, { params }) => {
    await requireDataset(em, params.id);
    return { status: 200, body: presentProposal(await requireProposal(em, params.id, params.proposal_id)) };
  },
});

const cancel = defineRoute({
  method: 'POST',
  path: '/evaluation-datasets/{id}/proposals/{proposal_id}/cancel',
  tag,
  summary: 'End a proposal; the cases that it has made stay',
  scope: 'evaluations:write',
  params: caseProposalParamsSchema,
  idempotent: true,
  responses: { 200: caseProposalSchema },
  transaction: async (em, { params, principal }) => {
    await requireDataset(em, params.id);
    await requireProposal(em, params.id, params.proposal_id);
    const key = { workspaceId: principal.workspaceId, proposalId: params.proposal_id };
    const error = { code: 'cancelled', detail: 'It was cancelled on request. What was proposed stays.' };
    await endProposal(em, key, { status: 'cancelled', error });
    return { status: 200, body: presentProposal(await requireProposal(em, params.id, params.proposal_id)) };
  },
  afterCommit: async (_reply, { params, principal }, deps) =>
    deps.evaluations.cancelProposal({ workspaceId: principal.workspaceId, proposalId: params.proposal_id }),
});

async function requireProposal(em: EntityManager, datasetId: string, id: string): Promise<ProposalRow> {
  const row = await findProposal(em, datasetId, id);
  if (row === null) throw notFound('proposal');
  return row;
}

function presentProposal(row: ProposalRow): CaseProposal {
  const { id, dataset_id, status, configuration, proposed, refused: unusable, faults, error } = row;
  const { pending = 0, asking = 0, done = 0, failed = 0, cancelled = 0 } = row.passages;
  const open = pending + asking;
  return {
    ...{ id, dataset_id, status, proposed, refused: unusable, faults, error },
    model: { id: configuration.model.id, name: configuration.model.name },
    passages: { total: open + done + failed + cancelled, open, done, failed, cancelled },
    completed_at: row.completed_at && presentTime(row.completed_at),
    created_at: presentTime(row.created_at),
    updated_at: presentTime(row.updated_at),
  };
}

function refused(path: string, message: string): PerdureError {
  return new PerdureError('bad_request', `${path}: ${message}`, { errors: [{ path, message }] });
}

/** Routes by which a model proposes cases. */
export const proposalRoutes = [propose, list, read, cancel];
