import { z } from 'zod';

const metrics = ['cosine', 'l2', 'inner_product'] as const;

/** What indexes the vectors of a model shall have, one for each metric. */
export const vectorIndexSchema = z
  .strictObject({
    kind: z.enum(['hnsw', 'ivfflat']).default('hnsw'),
    metrics: z
      .array(z.enum(metrics))
      .min(1)
      .max(3)
      .default(['cosine'])
      .refine((given) => new Set(given).size === given.length, 'must not name a metric twice'),
    m: z.int().min(2).max(100).default(16).describe('HNSW: neighbours of a vector in the graph'),
    ef_construction: z.int().min(4).max(1000).default(64).describe('HNSW: breadth of the search while building'),
    lists: z
      .int()
      .min(1)
      .max(32_768)
      .nullable()
      .default(null)
      .describe('IVFFlat: number of lists; null follows the number of rows'),
    min_rows: z
      .int()
      .min(0)
      .max(1_000_000)
      .nullable()
      .default(null)
      .describe('HNSW: below so many rows no index is built and all are compared; null: about 5 million / dimensions'),
    ef_search: z
      .int()
      .min(1)
      .max(1000)
      .nullable()
      .default(null)
      .describe(
        'Searches look through so many candidates at least; null leaves it to the search. Index health raises it where the ' +
          'nearest are not found otherwise',
      ),
  })
  .refine((index) => index.ef_construction >= 2 * index.m, {
    message: 'must be at least twice m',
    path: ['ef_construction'],
  });

/** The indexes that are wanted, and those that are there. */
export const vectorIndexStateSchema = z.strictObject({
  wanted: vectorIndexSchema,
  rows: z.int().describe('Vectors of the model; an estimate once there are many'),
  busy: z.boolean().describe('Whether an index is being built or dropped right now'),
  indexes: z.array(
    z.strictObject({
      name: z.string(),
      kind: z.enum(['hnsw', 'ivfflat']),
      metric: z.enum(metrics),
      valid: z.boolean().describe('Whether search can use it: it is complete'),
      parameters: z.record(z.string(), z.number()),
      bytes: z.int(),
      rows: z.int().describe('Vectors that it holds; an estimate'),
      rows_after: z
        .int()
        .describe(
          'Vectors that came after its building began and are not in it, counted to 40,000: they are in later segments, or ' +
            'searches compare with each of them until they are many',
        ),
    }),
  ),
});

/** What was started to look after the indexes of a model. */
export const maintenanceStartedSchema = z.strictObject({
  started: z.boolean().describe('False where it was under way already'),
  workflow_id: z.string(),
});
