import { evaluationSchema } from '../../contracts/evaluation.ts';
import { evaluationsChannel } from '../../contracts/names/limits.ts';
import { findEvaluation } from '../../entities/evaluations/evaluation-repository.ts';
import { presentEvaluation } from '../evaluations/present-evaluation.ts';
import { watch, type Watched } from './watch-ingestion.ts';

/** Sends a run at each change until it has ended, or is deleted. */
export function watchEvaluation(watched: Watched): Promise<void> {
  return watch(watched, { channel: evaluationsChannel, rowId: watched.id }, async (em) => {
    const row = await findEvaluation(em, watched.id);
    if (!row) return null;
    const data = evaluationSchema.parse(presentEvaluation(row));
    return { data, final: !['queued', 'running'].includes(data.status) };
  });
}
