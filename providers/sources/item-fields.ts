/** The value at a dotted path of JSON, such as `data.items.0.id`; '' is the value itself, undefined that it has none. */
export function readField(value: unknown, path: string): unknown {
  if (path === '') return value;
  let found = value;
  for (const step of path.split('.')) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, step)) return undefined;
    found = (found as Record<string, unknown>)[step];
  }
  return found;
}

/** The texts at one or several paths, joined by a blank line; null when none holds a text. */
export function readText(value: unknown, paths: string | readonly string[]): string | null {
  const texts = [paths].flat().map((path) => readField(value, path));
  const found = texts.filter((text) => typeof text === 'string' && text.trim() !== '');
  return found.length === 0 ? null : found.join('\n\n');
}
