import {
  createEvaluationDatasetSchema,
  evaluationDatasetSchema,
  updateEvaluationDatasetSchema,
} from '../../contracts/evaluation-dataset.ts';
import { EvaluationDataset } from '../../entities/index.ts';
import { findUnfinishedRun } from '../../entities/evaluations/evaluation-repository.ts';
import { readDatasets } from '../../entities/evaluations/evaluation-dataset-repository.ts';
import { given, resourceRoutes } from '../framework/resource-routes.ts';
import type { Route } from '../framework/route.ts';
import { caseRoutes } from './case-routes.ts';
import { makeDataset, presentDataset } from './change-cases.ts';
import { proposalRoutes } from './proposal-routes.ts';

const resource = resourceRoutes({
  path: '/evaluation-datasets',
  tag: 'Evaluation data sets',
  noun: 'evaluation data set',
  entity: EvaluationDataset,
  schema: evaluationDatasetSchema,
  createSchema: createEvaluationDatasetSchema,
  updateSchema: updateEvaluationDatasetSchema,
  examples: {
    create: {
      name: 'opening hours',
      cases: [{ input: { question: 'When is the office open?' }, expected_answer: 'From 8 to 17 on weekdays.' }],
    },
    update: { description: 'What people ask most' },
  },
  present: async (rows, em) => {
    const shown = await readDatasets(
      em,
      rows.map(({ id }) => id),
    );
    return rows.flatMap(({ id }) => {
      const row = shown.get(id);
      return row ? [presentDataset(row)] : [];
    });
  },
  create: async (body, { em, principal }) => {
    const { workspaceId } = principal;
    const { id } = await makeDataset(em, { ...body, workspaceId, origin: { kind: 'request' } });
    return em.findOneOrFail(EvaluationDataset, { id });
  },
  update: async (row, body, { em }) => {
    em.assign(row, given(body));
  },
  usedBy: async (row, em) => {
    const run = await findUnfinishedRun(em, row.id);
    return run === null ? null : `the run "${run}", which is under way`;
  },
});

/** Routes of data sets; whoever may run evaluations may change what they run on. */
export const evaluationDatasetRoutes: Route[] = [
  ...resource.map((route) => ({
    ...route,
    scope: route.method === 'GET' ? ('evaluations:read' as const) : ('evaluations:write' as const),
    ...(route.method === 'POST' && { maxBodyBytes: 32 * 1024 * 1024 }),
  })),
  ...caseRoutes,
  ...proposalRoutes,
];
