import type { EntityManager } from '@mikro-orm/postgresql';
import { findEvaluation, type EvaluationRow } from '../../entities/evaluations/evaluation-repository.ts';
import { notFound } from '../framework/validate-request.ts';

/** The run of this id. @throws PerdureError `not_found`. */
export async function requireEvaluation(em: EntityManager, id: string): Promise<EvaluationRow> {
  const row = await findEvaluation(em, id);
  if (!row) throw notFound('evaluation');
  return row;
}
