/** A number of things in words; the noun is given for one, and has a plural with s. */
export function counted(count: number, noun: string): string {
  return `${count} ${count === 1 ? noun : `${noun}s`}`;
}
