/** A moment as the API shows it: ISO 8601 in UTC. */
export function presentTime(time: Date | string): string {
  return new Date(time).toISOString();
}

/** The same for a moment that may not have come yet. */
export function presentOptionalTime(time: Date | string | null): string | null {
  return time === null ? null : presentTime(time);
}
