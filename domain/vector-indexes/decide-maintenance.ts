import { leastRecall, recallGoal, type IndexDecision, type IndexHealth } from './index-health.ts';

// Vacuuming an HNSW index repairs the graph around each dead element, which costs more than building that element's share
// anew; pgvector's documentation advises to reindex first. Below a few percent the repair is cheaper than a whole build.
const deadWorthRebuilding = 0.1;
const deadWorthVacuum = 0.02;
// Space that a vacuum has freed is used again, so an index is to be well above its size before it is built anew for it.
const bloatWorthRebuilding = 1.4;
// PostgreSQL's own autovacuum analyses after a tenth.
const changesWorthAnalyze = 0.1;
// A broader search that finds less than this more is not worth its time.
const recallWorthBreadth = 0.01;
// Of the new index, for its sorting and the log of its pages.
const roomForBuild = 2;

/**
 * The one thing to do about an index: the first evidence decides, in the order dead rows, size, recall, statistics. A
 * rebuild is followed by a vacuum, which then has little left to repair.
 */
export function decideMaintenance(health: IndexHealth): IndexDecision {
  const { rows, deadRows, bytes, expectedBytes, isLoading } = health;
  const deadShare = deadRows / Math.max(1, rows + deadRows);
  const recall = leastRecall(health);
  const bloat = expectedBytes === null ? 1 : bytes / expectedBytes;
  const figures =
    `${percent(deadShare)} of the rows are dead, recall@10 is ${recall.toFixed(3)}, p95 ${health.p95Ms.toFixed(1)} ms, ` +
    `${megabytes(bytes)} MB${expectedBytes === null ? '' : ` where a new index has ${megabytes(expectedBytes)}`}`;

  const evidence = rebuildingEvidence(health, { deadShare, recall, bloat });
  if (evidence !== null) {
    if (isLoading)
      return { action: 'nothing', reason: `${evidence}, but many rows are on their way: it would be built too early` };
    const refused = refusedRebuild(health);
    if (refused === null) return { action: 'reindex', reason: `${evidence}: ${figures}` };
    if (deadShare >= deadWorthVacuum) return { action: 'vacuum', reason: `${evidence}, but ${refused}: ${figures}` };
    if (recall >= recallGoal) return { action: 'nothing', reason: `${evidence}, but ${refused}: ${figures}` };
  }
  if (recall < recallGoal) return decideBreadth(health, recall, figures);
  if (deadShare >= deadWorthVacuum) return { action: 'vacuum', reason: `Some rows are dead: ${figures}` };
  if (health.changedRows === null || health.changedRows > changesWorthAnalyze * rows)
    return { action: 'analyze', reason: `The planner's statistics are out of date: ${figures}` };
  return { action: 'nothing', reason: `Healthy: ${figures}` };
}

function rebuildingEvidence(
  { kind }: IndexHealth,
  { deadShare, recall, bloat }: { deadShare: number; recall: number; bloat: number },
): string | null {
  if (bloat >= bloatWorthRebuilding) return `The index is ${bloat.toFixed(1)} times as large as a new one`;
  // IVFFlat keeps no graph: a vacuum takes dead rows out at little cost.
  if (kind === 'hnsw' && deadShare >= deadWorthRebuilding) return 'So many dead rows slow searches and vacuum down';
  if (recall < recallGoal && deadShare >= deadWorthVacuum) return 'Dead rows keep searches from finding the nearest';
  return null;
}

function refusedRebuild({ wasRebuiltInVain, roomBytes, expectedBytes, bytes }: IndexHealth): string | null {
  if (wasRebuiltInVain) return 'building it anew was no improvement lately';
  const needed = roomForBuild * (expectedBytes ?? bytes);
  if (roomBytes !== null && roomBytes < needed)
    return `the disk has room for ${megabytes(roomBytes)} MB, and a new index needs ${megabytes(needed)}`;
  return null;
}

function decideBreadth({ breadth, broader }: IndexHealth, recall: number, figures: string): IndexDecision {
  const enough = broader.find((tried) => tried.recall >= recallGoal);
  const best = broader.reduce((a, b) => (b.recall > a.recall + recallWorthBreadth ? b : a), { breadth, recall });
  const chosen = enough ?? best;
  if (chosen.breadth === breadth)
    return {
      action: 'nothing',
      reason: `Recall is below ${recallGoal}, and a broader search finds no more: choose a larger m or ef_construction. ${figures}`,
    };
  return {
    action: 'raise_ef_search',
    breadth: chosen.breadth,
    reason: `Recall is below ${recallGoal}; it is ${chosen.recall.toFixed(3)} with ef_search ${chosen.breadth} instead of ${breadth}: ${figures}`,
  };
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);
