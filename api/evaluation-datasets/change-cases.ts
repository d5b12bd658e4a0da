import type { EntityManager } from '@mikro-orm/postgresql';
import { PerdureError } from '../../contracts/errors.ts';
import type { GivenCase } from '../../contracts/evaluation-case.ts';
import type { EvaluationDataset as ShownDataset } from '../../contracts/evaluation-dataset.ts';
import { EvaluationDataset } from '../../entities/index.ts';
import {
  findDataset,
  importCases,
  RepeatedKeyError,
  type ChangedCases,
  type DatasetRow,
} from '../../entities/evaluations/evaluation-dataset-repository.ts';
import { uuidV7 } from '../../entities/uuid-v7.ts';
import { presentTime } from '../framework/present-time.ts';
import { notFound } from '../framework/validate-request.ts';

/** The data set of this id. @throws PerdureError `not_found`. */
export async function requireDataset(em: EntityManager, id: string): Promise<DatasetRow> {
  const row = await findDataset(em, id);
  if (!row) throw notFound('data set');
  return row;
}

/** Makes a data set, with a first version if there are cases. */
export async function makeDataset(
  em: EntityManager,
  made: {
    workspaceId: string;
    name: string;
    description: string;
    cases: readonly GivenCase[];
    origin: Record<string, unknown>;
  },
): Promise<DatasetRow> {
  const { workspaceId, name, description } = made;
  const datasetId = uuidV7();
  em.create(EvaluationDataset, { id: datasetId, workspaceId, name, description });
  await em.flush();
  if (made.cases.length > 0) await changeCases(em, { ...made, datasetId, mode: 'replace' });
  return requireDataset(em, datasetId);
}

/** Makes the next version of a data set. @throws PerdureError `bad_request` for a key that is given twice. */
export async function changeCases(em: EntityManager, change: Parameters<typeof importCases>[1]): Promise<ChangedCases> {
  try {
    return await importCases(em, change);
  } catch (error) {
    if (!(error instanceof RepeatedKeyError)) throw error;
    const [first = 0, second = 0] = error.places;
    const message = `the key "${error.key}" is there twice, in the cases ${first + 1} and ${second + 1}`;
    throw new PerdureError('bad_request', `body.cases: ${message}`, { errors: [{ path: 'body.cases', message }] });
  }
}

/** A data set as the API shows it. */
export function presentDataset(row: DatasetRow): ShownDataset {
  const { id, name, description, version, case_count, content_hash } = row;
  return {
    ...{ id, name, description, version, case_count, content_hash },
    created_at: presentTime(row.created_at),
    updated_at: presentTime(row.updated_at),
  };
}
