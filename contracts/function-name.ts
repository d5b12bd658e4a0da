const longest = 64;

/** A name as models may call it: letters, digits, `_` and `-`, at most 64. Accents go; what is left empty is `tool`. */
export function functionName(name: string): string {
  const slug = name
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .replaceAll(/[^a-zA-Z0-9_-]+/g, '_')
    .replaceAll(/^_+|_+$/g, '')
    .slice(0, longest);
  return slug === '' ? 'tool' : slug;
}

/** The function name of each tool of an agent, in order; one that is taken, in whatever case, gets a number. */
export function functionNames(names: readonly string[]): string[] {
  const taken = new Set<string>();
  return names.map((name) => {
    const base = functionName(name);
    let free = base;
    for (let number = 2; taken.has(free.toLowerCase()); number += 1) {
      const suffix = `_${number}`;
      free = `${base.slice(0, longest - suffix.length)}${suffix}`;
    }
    taken.add(free.toLowerCase());
    return free;
  });
}
