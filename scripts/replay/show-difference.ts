const context = 3;
const mostLines = 40;

/**
 * The first difference of two texts as a hunk of a unified diff (POSIX diff -u), with three lines around it; null when they
 * are equal. It reaches from the first line that differs to the last one.
 */
export function showDifference(was: string, is: string): string | null {
  if (was === is) return null;
  const [before, after] = [was.split('\n'), is.split('\n')];
  const shortest = Math.min(before.length, after.length);
  let start = 0;
  while (start < shortest && before[start] === after[start]) start += 1;
  let end = 0;
  while (end < shortest - start && before.at(-1 - end) === after.at(-1 - end)) end += 1;
  const removed = before.slice(start, before.length - end);
  const added = after.slice(start, after.length - end);
  const lead = before.slice(Math.max(0, start - context), start);
  const trail = before.slice(before.length - end, before.length - end + context);
  const first = start - lead.length + 1;
  const around = lead.length + trail.length;
  return [
    '--- recorded',
    '+++ now',
    `@@ -${first},${around + removed.length} +${first},${around + added.length} @@`,
    ...lead.map((line) => ` ${line}`),
    ...shorten(removed).map((line) => `-${line}`),
    ...shorten(added).map((line) => `+${line}`),
    ...trail.map((line) => ` ${line}`),
  ].join('\n');
}

function shorten(lines: readonly string[]): string[] {
  if (lines.length <= mostLines) return [...lines];
  return [...lines.slice(0, mostLines), `… ${lines.length - mostLines} more lines`];
}
