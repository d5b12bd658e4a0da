/** A number with its noun as a sentence has it: `1 page`, `2 pages`; `many` where the noun does not end with -s. */
export function countOf(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
