/** Connections of each role's pool, within a process's budget of `total`; one is left over for its LISTEN connection. */
export function poolSizes(total: number): { app: number; operator: number; owner: number } {
  const operator = total >= 8 ? 2 : 1;
  return { app: Math.max(1, total - operator - 2), operator, owner: 1 };
}
