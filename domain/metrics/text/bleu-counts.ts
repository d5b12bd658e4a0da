const orders = 4;

/** What BLEU is made of; of several texts it is summed. */
export type BleuCounts = {
  /** N-grams of the answer that a reference has too, of one to four tokens. */
  readonly matches: readonly number[];
  /** All n-grams of the answer. */
  readonly totals: readonly number[];
  readonly answerLength: number;
  /** Of the reference whose length is closest; of two as close, the shorter. */
  readonly referenceLength: number;
};

/** Counts the n-grams that answer and references share, each at most as often as one reference has it (clipped). */
export function countNgrams(answer: readonly string[], references: readonly (readonly string[])[]): BleuCounts {
  const matches: number[] = [];
  const totals: number[] = [];
  for (let order = 1; order <= orders; order += 1) {
    const allowed = new Map<string, number>();
    for (const reference of references) {
      for (const [gram, count] of gramsOf(reference, order)) allowed.set(gram, Math.max(count, allowed.get(gram) ?? 0));
    }
    let shared = 0;
    for (const [gram, count] of gramsOf(answer, order)) shared += Math.min(count, allowed.get(gram) ?? 0);
    matches.push(shared);
    totals.push(Math.max(0, answer.length - order + 1));
  }
  const lengths = references.map((reference) => reference.length);
  const distance = (length: number) => Math.abs(length - answer.length);
  const referenceLength = lengths.reduce((best, length) =>
    distance(length) < distance(best) || (distance(length) === distance(best) && length < best) ? length : best,
  );
  return { matches, totals, answerLength: answer.length, referenceLength };
}

function gramsOf(tokens: readonly string[], order: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (let at = 0; at + order <= tokens.length; at += 1) {
    // No token has white space in it.
    const gram = tokens.slice(at, at + order).join(' ');
    counts.set(gram, (counts.get(gram) ?? 0) + 1);
  }
  return counts;
}

/** The counts of many texts as of one. `parts` is not empty. */
export function sumCounts(parts: readonly BleuCounts[]): BleuCounts {
  return parts.reduce((sum, part) => ({
    matches: sum.matches.map((count, index) => count + part.matches[index]!),
    totals: sum.totals.map((count, index) => count + part.totals[index]!),
    answerLength: sum.answerLength + part.answerLength,
    referenceLength: sum.referenceLength + part.referenceLength,
  }));
}

/**
 * BLEU from 0 to 1: the geometric mean of the precisions of one to four tokens times the brevity penalty; an order without
 * a match is smoothed exponentially (Chen and Cherry 2014, method 3, the default of sacreBLEU). With `isEffectiveOrder`
 * only the orders that the answer is long enough for count, as for single sentences.
 */
export function bleuFrom(counts: BleuCounts, { isEffectiveOrder }: { isEffectiveOrder: boolean }): number {
  const { matches, totals, answerLength, referenceLength } = counts;
  if (matches.every((count) => count === 0)) return 0;
  let smoothing = 1;
  let sum = 0;
  let counted = 0;
  for (const [index, total] of totals.entries()) {
    if (total === 0) break;
    counted += 1;
    if (matches[index] === 0) smoothing *= 2;
    sum += Math.log(matches[index] === 0 ? 1 / (smoothing * total) : matches[index]! / total);
  }
  if (counted < orders && !isEffectiveOrder) return 0;
  const penalty = answerLength < referenceLength ? Math.exp(1 - referenceLength / answerLength) : 1;
  return penalty * Math.exp(sum / counted);
}
