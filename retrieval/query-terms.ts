/** The words of a query that full text looks up, repetitions kept. */
export function queryTerms(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
}
