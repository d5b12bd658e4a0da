import { leastRecall, type MeasuredIndex } from './index-health.ts';

// Two samples of a hundred queries or so differ by about as much by chance.
const recallTolerance = 0.02;
// A page more or less, and rows that came while it was built.
const sizeTolerance = 1.05;

/** Whether a new index is to take the place of the old one: it is if it finds as much and is no larger. Says why. */
export function compareIndexes(before: MeasuredIndex, after: MeasuredIndex): { isKept: boolean; reason: string } {
  const [was, is] = [leastRecall(before), leastRecall(after)];
  if (is < was - recallTolerance)
    return {
      isKept: false,
      reason: `The new index finds less: recall@10 ${is.toFixed(3)} instead of ${was.toFixed(3)}`,
    };
  if (after.bytes > before.bytes * sizeTolerance)
    return { isKept: false, reason: `The new index is larger: ${after.bytes} bytes instead of ${before.bytes}` };
  return {
    isKept: true,
    reason: `Recall@10 ${was.toFixed(3)} → ${is.toFixed(3)}, ${before.bytes} → ${after.bytes} bytes, p95 ${before.p95Ms.toFixed(1)} → ${after.p95Ms.toFixed(1)} ms`,
  };
}
