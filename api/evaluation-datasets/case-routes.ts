import { evaluationCaseSchema } from '../../contracts/evaluation-case.ts';
import {
  acceptCasesSchema,
  casesFromFeedbackSchema,
  casesImportedSchema,
  casesMadeSchema,
  diffVersionsQuerySchema,
  evaluationDatasetVersionSchema,
  importCasesSchema,
  importFileSchema,
  listCasesQuerySchema,
  versionDiffSchema,
} from '../../contracts/evaluation-dataset.ts';
import { PerdureError } from '../../contracts/errors.ts';
import { idParamsSchema } from '../../contracts/fields.ts';
import { pageOf, pageQuerySchema } from '../../contracts/page.ts';
import {
  listCases,
  listDatasetVersions,
  listProposedCases,
  readDifference,
  readRatedAnswers,
  type CaseRow,
} from '../../entities/evaluations/evaluation-case-repository.ts';
import type { importCases } from '../../entities/evaluations/evaluation-dataset-repository.ts';
import { proposeCases, settleProposals } from '../../entities/evaluations/evaluation-dataset-repository.ts';
import { readCursor, sequenceCursor, toPage, uuidCursor } from '../framework/page.ts';
import { presentTime } from '../framework/present-time.ts';
import { requireReference } from '../framework/require-reference.ts';
import { defineRoute, type RouteDeps, type RouteRequest } from '../framework/route.ts';
import { caseOfAnswer } from './case-of-answer.ts';
import { changeCases, presentDataset, requireDataset } from './change-cases.ts';

const tag = 'Evaluation data sets';
const largestFile = 32 * 1024 * 1024;
const fileTypes = [
  ...['text/csv', 'text/tab-separated-values', 'application/x-ndjson', 'application/jsonl'],
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
];

const importRoute = defineRoute({
  method: 'POST',
  path: '/evaluation-datasets/{id}/import',
  tag,
  summary: 'Make the next version of a data set of cases: as JSON, or as a CSV, TSV, JSONL or XLSX file',
  description:
    'All cases are taken over or none: each mistake is named with its line. Cases are told apart by their keys; an import ' +
    'that changes nothing makes no version. Columns: key, question, messages, variables, expected_answer, ' +
    'expected_documents, expected_chunks, expected_tool_calls, is_unanswerable, tags, metadata; others become metadata.',
  scope: 'evaluations:write',
  params: idParamsSchema,
  body: importCasesSchema,
  maxBodyBytes: largestFile,
  upload: { mediaTypes: fileTypes, query: importFileSchema, maxBytes: largestFile },
  form: { fields: importFileSchema, maxBytes: largestFile },
  idempotent: true,
  responses: { 200: casesImportedSchema },
  example: { mode: 'append', cases: [{ input: { question: 'Is it open on Sundays?' }, is_unanswerable: true }] },
  transaction: async (em, request, deps) => {
    const { params, principal } = request;
    await requireDataset(em, params.id);
    const { cases, mode, origin } = readGiven(request, deps);
    const change = { workspaceId: principal.workspaceId, datasetId: params.id, mode, cases, origin };
    const changed = await changeCases(em, change);
    return { status: 200, body: { dataset: presentDataset(await requireDataset(em, params.id)), ...changed } };
  },
});

type Given = Pick<Parameters<typeof importCases>[1], 'cases' | 'mode' | 'origin'>;
type ImportRequest = RouteRequest<{ id: string }, unknown, { mode: 'replace' | 'append'; cases: Given['cases'] }>;

function readGiven({ body, upload, form }: ImportRequest, deps: RouteDeps): Given {
  const [file, ...others] = form?.files ?? [];
  if (others.length > 0) throw new PerdureError('bad_request', 'The form holds several files; send one.');
  const sent = upload ? { bytes: upload.bytes, name: null, mediaType: upload.mediaType } : file;
  if (!sent) return { ...body, origin: { kind: 'request' } };
  const fields = (upload?.query ?? form?.fields ?? {}) as { mode?: 'replace' | 'append'; name?: string };
  const name = fields.name ?? sent.name;
  const { cases, format } = deps.evaluations.readCaseFile({ ...sent, name });
  return { cases, mode: fields.mode ?? 'replace', origin: { kind: 'file', format, ...(name !== null && { name }) } };
}

const list = defineRoute({
  method: 'GET',
  path: '/evaluation-datasets/{id}/cases',
  tag,
  summary: 'The cases of a version, or those that wait to be accepted',
  scope: 'evaluations:read',
  params: idParamsSchema,
  query: listCasesQuerySchema,
  responses: { 200: pageOf(evaluationCaseSchema) },
  transaction: async (em, { params, query: { limit, cursor, version, state } }) => {
    const dataset = await requireDataset(em, params.id);
    if (state === 'proposed') {
      const afterId = readCursor(cursor, uuidCursor);
      const rows = await listProposedCases(em, { datasetId: params.id, afterId, limit: limit + 1 });
      return { status: 200, body: toPage(rows, limit, (row) => row.id, presentCase) };
    }
    const position = readCursor(cursor, /^\d{1,9}\/[0-9a-f-]{36}$/);
    const [place = '', id = ''] = position?.split('/') ?? [];
    const after = position === null ? null : { position: Number(place), id };
    const rows = await listCases(em, {
      datasetId: params.id,
      version: version ?? dataset.version,
      after,
      limit: limit + 1,
    });
    return { status: 200, body: toPage(rows, limit, (row) => `${row.position}/${row.id}`, presentCase) };
  },
});

const versions = defineRoute({
  method: 'GET',
  path: '/evaluation-datasets/{id}/versions',
  tag,
  summary: 'The versions of a data set, newest first',
  scope: 'evaluations:read',
  params: idParamsSchema,
  query: pageQuerySchema,
  responses: { 200: pageOf(evaluationDatasetVersionSchema) },
  transaction: async (em, { params, query: { limit, cursor } }) => {
    await requireDataset(em, params.id);
    const before = readCursor(cursor, sequenceCursor);
    const beforeVersion = before === null ? null : Number(before);
    const rows = await listDatasetVersions(em, { datasetId: params.id, beforeVersion, limit: limit + 1 });
    const present = (row: (typeof rows)[number]) => ({ ...row, created_at: presentTime(row.created_at) });
    return { status: 200, body: toPage(rows, limit, (row) => row.version, present) };
  },
});

const diff = defineRoute({
  method: 'GET',
  path: '/evaluation-datasets/{id}/diff',
  tag,
  summary: 'What differs between two versions, by the keys of the cases',
  scope: 'evaluations:read',
  params: idParamsSchema,
  query: diffVersionsQuerySchema,
  responses: { 200: versionDiffSchema },
  transaction: async (em, { params, query }) => {
    const { version } = await requireDataset(em, params.id);
    const to = query.to ?? version;
    const from = query.from ?? Math.max(0, to - 1);
    const { before, after } = await readDifference(em, { datasetId: params.id, from, to });
    const old = new Map(before.map((row) => [row.case_key, row]));
    const fresh = new Set(after.map((row) => row.case_key));
    return {
      status: 200,
      body: {
        from,
        to,
        added: after.filter((row) => !old.has(row.case_key)).map(presentCase),
        removed: before.filter((row) => !fresh.has(row.case_key)).map(presentCase),
        changed: after.flatMap((row) => {
          const was = old.get(row.case_key);
          return was ? [{ before: presentCase(was), after: presentCase(row) }] : [];
        }),
      },
    };
  },
});

const fromFeedback = defineRoute({
  method: 'POST',
  path: '/evaluation-datasets/{id}/from-feedback',
  tag,
  summary: 'Propose cases made of answers that people have rated',
  description:
    'A liked answer becomes a case that expects it; a disliked one a case without an expected answer, with the comment in ' +
    'its metadata. Cases wait until a person accepts them; what the data set has is left out.',
  scope: 'evaluations:write',
  params: idParamsSchema,
  body: casesFromFeedbackSchema,
  bodyOptional: true,
  idempotent: true,
  responses: { 200: casesMadeSchema },
  example: { rating: -1 },
  transaction: async (em, { params, principal, body }) => {
    await requireDataset(em, params.id);
    const agentId = body.agent === undefined ? null : await requireReference(em, 'agents', 'body.agent', body.agent);
    const rated = await readRatedAnswers(em, {
      rating: body.rating ?? null,
      agentId,
      from: body.from ?? null,
      limit: body.limit,
    });
    const { workspaceId } = principal;
    const cases = rated.map(caseOfAnswer);
    const proposed = await proposeCases(em, { workspaceId, datasetId: params.id, cases });
    return {
      status: 200,
      body: { proposed, accepted: 0, dataset: presentDataset(await requireDataset(em, params.id)) },
    };
  },
});

const accept = defineRoute({
  method: 'POST',
  path: '/evaluation-datasets/{id}/accept',
  tag,
  summary: 'Take proposed cases over into the next version, or refuse them',
  scope: 'evaluations:write',
  params: idParamsSchema,
  body: acceptCasesSchema,
  idempotent: true,
  responses: { 200: casesMadeSchema },
  example: { accept: [], reject: [] },
  transaction: async (em, { params, principal, body }) => {
    await requireDataset(em, params.id);
    const { workspaceId } = principal;
    const accepted = await settleProposals(em, { workspaceId, datasetId: params.id, ...body });
    const left = await listProposedCases(em, { datasetId: params.id, afterId: null, limit: 1000 });
    const dataset = presentDataset(await requireDataset(em, params.id));
    return { status: 200, body: { proposed: left.length, accepted, dataset } };
  },
});

function presentCase({ case_key: key, created_at: createdAt, ...row }: CaseRow) {
  return { ...row, key, created_at: presentTime(createdAt) };
}

/** Routes of the cases of data sets. */
export const caseRoutes = [importRoute, list, versions, diff, fromFeedback, accept];
