import type { IndexModelInput } from '../../contracts/names/workflows.ts';
import type { ExaminedIndex, MendedIndex } from '../../domain/vector-indexes/index-health.ts';
import { analyzeVectors, raiseSearchBreadth, vacuumVectors } from '../../entities/agents/index-health-repository.ts';
import { readVectorIndexes } from '../../entities/agents/vector-index-repository.ts';
import { breadthOf } from './examine-indexes.ts';
import { holdIndexes, type HeldIndexes } from './hold-indexes.ts';
import type { MaintenanceDeps } from './maintenance-deps.ts';
import { askExactly, measureIndex } from './measure-index.ts';
import { rebuildIndex } from './rebuild-index.ts';

/**
 * Does what was decided about an index, beside readers and writers, and measures it again. Running it again goes on where
 * the database is; a cancel ends the statement that is under way and takes back what is half done.
 */
export function createMendIndex(
  deps: MaintenanceDeps,
): (input: IndexModelInput, examined: ExaminedIndex) => Promise<MendedIndex> {
  return async function mendIndex({ modelId }, { oid, name, decision }) {
    return holdIndexes(deps, modelId, async (held) => {
      const state = await held.statement((em) => readVectorIndexes(em, modelId));
      if (!state) return { kept: null, reason: 'The model is gone' };
      const { partition } = state;
      switch (decision.action) {
        case 'nothing':
          return { kept: null, reason: '' };
        case 'analyze':
          await held.statement((em) => analyzeVectors(em, partition));
          return { kept: null, reason: 'Analysed' };
        case 'vacuum':
          await held.statement((em) => vacuumVectors(em, partition));
          return measureAgain(deps, held, { modelId, oid, reason: 'Vacuumed' });
        case 'raise_ef_search':
          await held.statement((em) => raiseSearchBreadth(em, modelId, decision.breadth));
          return measureAgain(deps, held, { modelId, oid, reason: `ef_search is ${decision.breadth} from now on` });
        default: {
          const mended = await rebuildIndex(deps, held, { modelId, oid, name });
          // After the rebuild, so that it meets few dead rows in the index.
          await held.statement((em) => vacuumVectors(em, partition));
          return mended;
        }
      }
    });
  };
}

async function measureAgain(
  { database }: MaintenanceDeps,
  { signal }: HeldIndexes,
  { modelId, oid, reason }: { modelId: string; oid: number; reason: string },
): Promise<MendedIndex> {
  const state = await database.asOwner((em) => readVectorIndexes(em, modelId));
  const index = state?.built.find((built) => built.oid === oid);
  if (!state || !index) return { kept: null, reason };
  const measuring = { database, modelId, signal };
  const questions = await askExactly(measuring, state, index);
  const after = await measureIndex(measuring, state, index, { questions, breadth: breadthOf(state) });
  return { kept: null, reason, after };
}
