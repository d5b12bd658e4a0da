/**
 * Makes the hash of a workspace and a term: 53 bits, so that it is a number here and a bigint in the database. Terms of one
 * workspace collide about once in 10,000 workspaces of a million terms each. Stored keys outlive releases: this function
 * never changes (it is cyrb53, public domain, begun with the workspace's id).
 */
export function termKeys(workspaceId: string): (term: string) => number {
  const start = mix(0xdeadbeef, 0x41c6ce57, workspaceId);
  return (term) => {
    const [first, second] = mix(start[0], start[1], term);
    const high = finish(first, second);
    const low = finish(second, high);
    return 4294967296 * (2097151 & low) + (high >>> 0);
  };
}

/** How often a term occurs in a chunk that its tiers 1, 2 and 3 list. */
export const tierFrequencies = [2, 4, 8] as const;

/** The key under which chunks are listed that have a term often: above all keys of terms themselves. */
export function tierKey(key: number, tier: number): bigint {
  return BigInt(key) + BigInt(tier) * 9007199254740992n;
}

function mix(first: number, second: number, text: string): [number, number] {
  let one = first;
  let two = second;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    one = Math.imul(one ^ unit, 2654435761);
    two = Math.imul(two ^ unit, 1597334677);
  }
  return [one, two];
}

function finish(value: number, other: number): number {
  return Math.imul(value ^ (value >>> 16), 2246822507) ^ Math.imul(other ^ (other >>> 13), 3266489909);
}
