import { z } from 'zod';

/** Answer of `GET /livez`: the process serves. */
export const livenessSchema = z.strictObject({ status: z.literal('alive') });

/** One part that readiness depends on; `detail` says what is wrong and what to do. */
export const readinessCheckSchema = z.strictObject({
  name: z.enum(['database', 'temporal', 'worker_chat', 'worker_ingest']),
  state: z.enum(['up', 'down']),
  detail: z.string(),
});

/** Answer of `GET /readyz`: ready (200) when every part is up, else 503. */
export const readinessSchema = z.strictObject({
  status: z.enum(['ready', 'not_ready']),
  checks: z.array(readinessCheckSchema),
});

export type Readiness = z.infer<typeof readinessSchema>;
export type ReadinessCheck = z.infer<typeof readinessCheckSchema>;
