/**
 * The p-value of McNemar's exact test, two-sided: how likely the split of the cases that only one of two systems has right
 * is, if either is as likely (McNemar 1947; the binomial test of `scipy.stats.binomtest(b, b + c)`). 1 when there is none.
 */
export function exactMcnemar(onlyFirst: number, onlySecond: number): number {
  const all = onlyFirst + onlySecond;
  // In logarithms, because 0.5^n of many cases is below the least number there is.
  let term = -all * Math.LN2;
  let sum = 0;
  for (let count = 0; count <= Math.min(onlyFirst, onlySecond); count += 1) {
    sum += Math.exp(term);
    term += Math.log(all - count) - Math.log(count + 1);
  }
  return Math.min(1, 2 * sum);
}
