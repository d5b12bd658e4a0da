import type { IndexModelInput } from '../../contracts/names/workflows.ts';
import { candidateDepth } from '../../domain/ranking/candidate-depth.ts';
import { decideMaintenance } from '../../domain/vector-indexes/decide-maintenance.ts';
import { expectedIndexBytes, mostIndexedRows } from '../../domain/vector-indexes/expected-index-bytes.ts';
import {
  leastRecall,
  recallGoal,
  type ExaminedIndex,
  type IndexHealth,
} from '../../domain/vector-indexes/index-health.ts';
import { isLoading } from '../../domain/vector-indexes/plan-vector-indexes.ts';
import { chainOf } from '../../domain/vector-indexes/vector-segments.ts';
import {
  countSegmentRows,
  readVectorStatistics,
  wasRebuiltInVain,
  type VectorStatistics,
} from '../../entities/agents/index-health-repository.ts';
import {
  readVectorIndexes,
  type VectorIndexRow,
  type VectorIndexState,
} from '../../entities/agents/vector-index-repository.ts';
import { deleteOldQuerySamples } from '../../entities/search/query-sample-repository.ts';
import { saveReport } from '../../entities/maintenance/maintenance-report-repository.ts';
import { currentRun } from '../upkeep/with-report.ts';
import type { MaintenanceDeps } from './maintenance-deps.ts';
import { askExactly, measureIndex } from './measure-index.ts';
import { runModelStep } from './run-model-step.ts';
import { vectorIndexTask } from './report-index.ts';

const vainDays = 7;
const sampleDays = 30;
const mostBreadth = 1000;

/** Measures each index of a model, decides what is to be done about it, and reports that. */
export function createExamineIndexes(deps: MaintenanceDeps): (input: IndexModelInput) => Promise<ExaminedIndex[]> {
  return async function examineIndexes({ workspaceId, modelId }) {
    return runModelStep(async ({ signal }) => {
      const startedAt = new Date();
      const { database } = deps;
      await database.asOperator((em) => deleteOldQuerySamples(em, sampleDays));
      const state = await database.asOwner((em) => readVectorIndexes(em, modelId));
      if (!state) return [];
      const examined: ExaminedIndex[] = [];
      for (const index of servingIndexes(state.built)) {
        const health = await measureHealth(deps, { modelId, signal, state, index });
        examined.push({ oid: index.oid, name: index.name, health, decision: decideMaintenance(health) });
      }
      const save = (subject: string, saw: Record<string, unknown>, { action, reason }: ExaminedIndex['decision']) =>
        database.asOperator((em) =>
          saveReport(em, currentRun(), vectorIndexTask, {
            ...{ workspaceId, subject, saw, decided: action, reason, did: {}, startedAt },
            state: action === 'nothing' ? 'done' : 'running',
          }),
        );
      for (const { name, health, decision } of examined) await save(name, health, decision);
      if (examined.length === 0) {
        const reason = 'There is no index: searches compare with all vectors, and miss nothing.';
        await save(state.partition, { rows: state.rows }, { action: 'nothing', reason });
      }
      return examined;
    });
  };
}

/** Those that searches go by, segment by segment; one that is to take another's place is not among them yet. */
function servingIndexes(built: readonly VectorIndexRow[]): VectorIndexRow[] {
  const valid = built.filter(({ isValid }) => isValid);
  const metrics = new Set(valid.map(({ metric }) => metric));
  // Of two with the same bounds the chain takes the last.
  return [...metrics].flatMap((metric) => chainOf(valid.filter((index) => index.metric === metric).toReversed()));
}

async function measureHealth(
  deps: MaintenanceDeps,
  given: { modelId: string; signal: AbortSignal; state: VectorIndexState; index: VectorIndexRow },
): Promise<IndexHealth> {
  const { modelId, signal, state, index } = given;
  const { database } = deps;
  const measuring = { database, modelId, signal };
  const statistics = await database.asOwner((em) => readVectorStatistics(em, state.partition));
  const questions = await askExactly(measuring, state, index);
  const breadth = breadthOf(state);
  const measured = await measureIndex(measuring, state, index, { questions, breadth });
  const broader = [];
  if (leastRecall(measured) < recallGoal) {
    for (let tried = 2 * breadth; tried <= 2 * mostBreadth; tried *= 2) {
      const next = Math.min(tried, mostBreadth);
      if (next <= breadth) break;
      const recall = leastRecall(await measureIndex(measuring, state, index, { questions, breadth: next }));
      broader.push({ breadth: next, recall });
      if (recall >= recallGoal || next === mostBreadth) break;
    }
  }
  const { m = 16 } = index.parameters;
  const shape = { dimensions: state.dimensions, m };
  const { rows, deadRows } = await countRows(database, { state, index, shape, statistics });
  return {
    ...measured,
    kind: index.kind,
    rows,
    deadRows,
    changedRows: statistics.changedRows,
    expectedBytes: index.kind === 'hnsw' ? expectedIndexBytes({ rows, ...shape }) : null,
    breadth,
    broader,
    roomBytes: await deps.readDiskRoom(),
    isLoading: isLoading(state.arrivingRows, state.rows),
    wasRebuiltInVain: await database.asOwner((em) => wasRebuiltInVain(em, index.name, vainDays)),
  };
}

/** Rows of an index, and dead ones: PostgreSQL counts these for all segments together, and a segment has room for so many. */
async function countRows(
  database: MaintenanceDeps['database'],
  given: {
    state: VectorIndexState;
    index: VectorIndexRow;
    shape: { dimensions: number; m: number };
    statistics: VectorStatistics;
  },
): Promise<{ rows: number; deadRows: number }> {
  const { state, index, shape, statistics } = given;
  // After a crash PostgreSQL has no statistics of its own until the next vacuum; after a load its estimate lags behind.
  if (index.to === null) return { rows: Math.max(statistics.rows, state.rows), deadRows: statistics.deadRows };
  const rows = await database.asOwner((em) => countSegmentRows(em, state.partition, index));
  const room = Math.max(0, mostIndexedRows({ bytes: index.bytes, ...shape }) - rows);
  return {
    rows,
    deadRows: index.from === null && index.rowsAfter === 0 ? statistics.deadRows : Math.min(statistics.deadRows, room),
  };
}

/** How broadly a search for ten hits looks, with what the model's row asks for. */
export function breadthOf({ settings }: Pick<VectorIndexState, 'settings'>): number {
  const asked = settings['ef_search'];
  return Math.max(candidateDepth(10).efSearch, typeof asked === 'number' ? asked : 0);
}
