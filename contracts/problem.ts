import { z } from 'zod';

/** Body of every failed request (RFC 9457, `application/problem+json`); `code` is stable, `detail` is for people. */
export const problemSchema = z.strictObject({
  type: z.string().describe('Address that names the kind of problem'),
  title: z.string(),
  status: z.int(),
  code: z.string().describe('Stable code of contracts/errors.ts'),
  detail: z.string().describe('What is wrong, where, and what to do'),
  instance: z.string().describe('The path that was asked for'),
  request_id: z.string().describe('Also in the header x-request-id'),
  errors: z
    .array(z.strictObject({ path: z.string(), message: z.string() }))
    .optional()
    .describe('Each mistake of an invalid request: where (`body.title`, `query.limit`) and what'),
});

export type Problem = z.infer<typeof problemSchema>;
