/**
 * Joins several texts in Prometheus's format into one that is valid: every metric has its HELP and TYPE once, and all
 * its samples follow them. The first text that names a metric decides its HELP and TYPE.
 */
export function mergeExpositions(texts: readonly string[]): string {
  const families = new Map<string, Family>();
  for (const text of texts) {
    let current = '';
    for (const line of text.split('\n')) {
      const head = /^# (HELP|TYPE) (\S+)/.exec(line);
      if (head?.[1] && head[2]) {
        current = head[2];
        const family = familyOf(families, current);
        if (!family.head.has(head[1])) family.head.set(head[1], line);
      } else if (line !== '' && !line.startsWith('#')) {
        const name = /^[^\s{]+/.exec(line)?.[0] ?? '';
        if (!isSampleOf(name, current)) current = name;
        familyOf(families, current).samples.push(line);
      }
    }
  }
  return [...families.values()]
    .filter(({ samples }) => samples.length > 0)
    .map(({ head, samples }) => [...head.values(), ...samples, ''].join('\n'))
    .join('');
}

type Family = { head: Map<string, string>; samples: string[] };

function familyOf(families: Map<string, Family>, name: string): Family {
  const family = families.get(name) ?? { head: new Map(), samples: [] };
  families.set(name, family);
  return family;
}

function isSampleOf(name: string, family: string): boolean {
  return (
    name === family ||
    (/^_(?:bucket|sum|count|total|created)$/.test(name.slice(family.length)) && name.startsWith(family))
  );
}
