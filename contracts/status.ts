import { z } from 'zod';

const countsSchema = z
  .record(z.string(), z.int())
  .describe('Number of rows by state; states without rows are left out');

/** Answer of `GET /status`: versions, and how much of the workspace is in which state. */
export const statusSchema = z.strictObject({
  version: z.string().describe('Of Perdure'),
  postgresql: z.string(),
  pgvector: z.string(),
  documents: countsSchema,
  ingestion_jobs: countsSchema,
  turns: countsSchema,
});

export type Status = z.infer<typeof statusSchema>;
