/**
 * The servers of this run, from jest's set-up to its tear-down, which run in the same process.
 * @type {{ stack: import('../../../scripts/supervisor/hold-stack.ts').HeldStack | null }}
 */
export const heldTestStack = { stack: null };
