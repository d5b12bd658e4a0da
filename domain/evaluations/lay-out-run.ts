/** How the items of a run are handed out. */
export type RunLayout = {
  itemsPerBlock: number;
  /** For each lane of blocks, how many items of its block are in work at once. */
  atOnce: number[];
};

// One step serves as many calls at once: what they write goes in the same transactions, and each step costs Temporal as
// much as twenty calls of an instant model.
const mostAtOnce = 4;
const leastPerBlock = 25;
const mostPerBlock = 100;
// So that lanes end at about the same time.
const blocksPerLane = 4;

/** Lays out a run of `total` items of which `items` may be in work at once. */
export function layOutRun(total: number, items: number): RunLayout {
  const lanes = Math.ceil(items / mostAtOnce);
  const itemsPerBlock = Math.ceil(total / (Math.max(1, lanes) * blocksPerLane));
  return {
    itemsPerBlock: Math.min(Math.max(itemsPerBlock, leastPerBlock), mostPerBlock),
    atOnce: Array.from({ length: lanes }, (_, lane) => Math.floor((items + lane) / lanes)),
  };
}
