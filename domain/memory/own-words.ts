/**
 * What of a message is the user's own: without lines that quote another message, and without lines of the memory that stand
 * there as prompts carried them. What was recalled is never learned again.
 */
export function ownWords(content: string, recalled: ReadonlySet<string>): string {
  return content
    .split('\n')
    .filter((line) => !line.trimStart().startsWith('>') && !recalled.has(line.trim()))
    .join('\n')
    .trim();
}
