import { z } from 'zod';

/** Query of every list: newest first, `cursor` is the `next_cursor` of the page before. */
export const pageQuerySchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(200).default(50).describe('Most items of one page'),
  cursor: z.string().max(200).optional().describe('`next_cursor` of the page before; leave it out for the first page'),
});

/** One page of `item`s and the cursor of the next page, null at the end. */
export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.strictObject({ data: z.array(item), next_cursor: z.string().nullable() });
}

/** A page as the API sends it. */
export type Page<Item> = { data: Item[]; next_cursor: string | null };
