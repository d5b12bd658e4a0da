import { z } from 'zod';
import {
  evaluationAuditSchema,
  evaluationItemSchema,
  listItemsQuerySchema,
  reportQuerySchema,
} from '../../contracts/evaluation.ts';
import { idField, idParamsSchema, jsonObjectField } from '../../contracts/fields.ts';
import { workflowIds } from '../../contracts/names/workflows.ts';
import { PerdureError } from '../../contracts/errors.ts';
import { pageOf, pageQuerySchema } from '../../contracts/page.ts';
import { listHistories, readHistory } from '../../entities/evaluations/evaluation-history-repository.ts';
import { findEvaluation } from '../../entities/evaluations/evaluation-repository.ts';
import { listItems, readItemAudits, sumRunUsage } from '../../entities/evaluations/evaluation-view-repository.ts';
import { readCursor, sequenceCursor, toPage } from '../framework/page.ts';
import { presentTime } from '../framework/present-time.ts';
import { defineRoute } from '../framework/route.ts';
import { notFound } from '../framework/validate-request.ts';
import { presentEvaluation } from './present-evaluation.ts';
import { requireEvaluation } from './require-evaluation.ts';

const tag = 'Evaluations';
const mostAudited = 50;

const items = defineRoute({
  method: 'GET',
  path: '/evaluations/{id}/items',
  tag,
  summary: 'The items of a run with their outputs and scores, in their order',
  scope: 'evaluations:read',
  params: idParamsSchema,
  query: listItemsQuerySchema,
  responses: { 200: pageOf(evaluationItemSchema) },
  transaction: async (em, { params, query: { limit, cursor, state, variant, unscored } }) => {
    await requireEvaluation(em, params.id);
    const after = readCursor(cursor, sequenceCursor);
    const rows = await listItems(em, {
      evaluationId: params.id,
      afterOrdinal: after === null ? null : Number(after),
      limit: limit + 1,
      state: state ?? null,
      variant: variant ?? null,
      unscored: unscored === 'true',
    });
    return {
      status: 200,
      body: toPage(
        rows,
        limit,
        (row) => row.ordinal,
        (row) => row,
      ),
    };
  },
});

const report = defineRoute({
  method: 'GET',
  path: '/evaluations/{id}/report',
  tag,
  summary: 'The report of a run: aggregates with confidence intervals, comparison with a baseline, gates and cases',
  description:
    'As JSON, CSV, JUnit XML or Markdown. `baseline` compares with another run than the one it was made with.',
  scope: 'evaluations:read',
  params: idParamsSchema,
  query: reportQuerySchema,
  responses: { 200: { json: jsonObjectField, or: 'text/csv, application/xml or text/markdown, by `format`' } },
  handle: async ({ params, principal, query: { format, baseline } }, deps) => {
    const { workspaceId } = principal;
    const against = await deps.database.inWorkspace(workspaceId, async (em) => {
      await requireEvaluation(em, params.id);
      return baseline === undefined ? null : await findEvaluation(em, baseline);
    });
    if (baseline !== undefined && against === null) {
      const message = `there is no run "${baseline}" in this workspace`;
      throw new PerdureError('bad_request', `query.baseline: ${message}`, {
        errors: [{ path: 'query.baseline', message }],
      });
    }
    const made = await deps.evaluations.report(
      { workspaceId, evaluationId: params.id },
      { format, baselineId: against?.id ?? null },
    );
    if (format === 'json') return { status: 200, body: JSON.parse(made.text) };
    return { status: 200, content: made };
  },
});

const audit = defineRoute({
  method: 'GET',
  path: '/evaluations/{id}/audit',
  tag,
  summary: 'Everything about a run, case by case: prompts, answers, contexts, reasons of judges, tokens and cost',
  scope: 'evaluations:read',
  params: idParamsSchema,
  query: pageQuerySchema,
  responses: { 200: evaluationAuditSchema },
  transaction: async (em, { params, query: { limit, cursor } }, deps) => {
    const row = await requireEvaluation(em, params.id);
    const after = readCursor(cursor, sequenceCursor);
    const most = Math.min(limit, mostAudited);
    const found = await readItemAudits(em, {
      evaluationId: params.id,
      afterOrdinal: after === null ? null : Number(after),
      limit: most + 1,
    });
    const page = toPage(
      found,
      most,
      (item) => item.ordinal,
      (item) => item,
    );
    const histories = await listHistories(em, params.id);
    return {
      status: 200,
      body: {
        evaluation: presentEvaluation(row),
        workflow_id: workflowIds.evaluate(params.id),
        run_id: row.run_id,
        history_url: deps.historyUrl(workflowIds.evaluate(params.id), row.run_id),
        exported_histories: histories.map((history) => ({ ...history, created_at: presentTime(history.created_at) })),
        usage: await sumRunUsage(em, params.id),
        items: page.data,
        next_cursor: page.next_cursor,
      },
    };
  },
});

const history = defineRoute({
  method: 'GET',
  path: '/evaluations/{id}/history/{run_id}',
  tag,
  summary: 'An exported history of the run, event by event',
  description: 'In the JSON form of temporal.api.history.v1.History; kept after Temporal has forgotten it.',
  scope: 'evaluations:read',
  params: z.strictObject({ id: idField, run_id: idField }),
  responses: { 200: { mediaType: 'application/json', description: "A history in Temporal's JSON" } },
  transaction: async (em, { params }, deps) => {
    await requireEvaluation(em, params.id);
    const packed = await readHistory(em, params.id, params.run_id);
    if (packed === null) throw notFound('history');
    return { status: 200, content: { mediaType: 'application/json', text: deps.evaluations.unpackHistory(packed) } };
  },
});

const metrics = defineRoute({
  method: 'GET',
  path: '/evaluation-metrics',
  tag,
  summary: 'The metrics that there are, with their parameters and the source of each definition',
  scope: 'evaluations:read',
  responses: {
    200: z.strictObject({
      data: z.array(
        z.strictObject({
          name: z.string(),
          title: z.string(),
          kind: z.string(),
          source: z.string(),
          parameters: jsonObjectField,
        }),
      ),
    }),
  },
  handle: async (_request, deps) => ({ status: 200, body: { data: deps.evaluations.listMetrics() } }),
});

/** Routes that read evaluations. */
export const evaluationReadRoutes = [items, report, audit, history, metrics];
