const mostCharacters = 80;

/** A model's answer as a title: its first line without quotation marks, heading signs and a full stop, in 80 characters. */
export function cleanTitle(text: string): string {
  const line = text.split('\n').find((one) => one.trim() !== '') ?? '';
  const bare = line
    .replace(/^\s*#+\s*/, '')
    .replace(/^\s*title:\s*/i, '')
    .replaceAll(/^[\s"'“”„«»*_`]+|[\s"'“”„«»*_`]+$/g, '')
    .replace(/(?<!\.)\.$/, '')
    .replaceAll(/\s+/g, ' ');
  const characters = Array.from(bare);
  return characters.length <= mostCharacters
    ? bare
    : `${characters
        .slice(0, mostCharacters - 1)
        .join('')
        .trimEnd()}…`;
}
