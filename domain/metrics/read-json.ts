/** The value of a text that is JSON, or what is wrong with it. */
export type ReadJson =
  | { readonly state: 'read'; readonly value: unknown }
  | { readonly state: 'unusable'; readonly reason: string };

const fence = /^\s*```[a-z]*[ \t]*\n([\s\S]*?)\n?```\s*$/i;

/**
 * Reads a text that is JSON, in a fence of Markdown or bare. Models also talk around it: unless `isFencedOnly`, the part
 * from the first brace to the last is read then.
 */
export function readJson(text: string, { isFencedOnly = false } = {}): ReadJson {
  const bare = fence.exec(text)?.[1] ?? text;
  const whole = parse(bare);
  if (whole.state === 'read' || isFencedOnly) return whole;
  const from = bare.indexOf('{');
  const to = bare.lastIndexOf('}');
  return to > from && from >= 0 ? parse(bare.slice(from, to + 1)) : whole;
}

function parse(text: string): ReadJson {
  if (text.trim() === '') return { state: 'unusable', reason: 'The answer is empty.' };
  try {
    return { state: 'read', value: JSON.parse(text) as unknown };
  } catch {
    return { state: 'unusable', reason: 'The answer is not JSON.' };
  }
}
