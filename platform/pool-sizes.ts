/** Connections of each role's pool, within a process's budget of `total`; two are left over: one listens for notifications, one sends them. */
export function poolSizes(total: number): { app: number; operator: number; owner: number } {
  const operator = total >= 8 ? 2 : 1;
  return { app: Math.max(1, total - operator - 3), operator, owner: 1 };
}
