import { z } from 'zod';

/** HTTP methods that an API tool may use; those of `readingMethods` have no effect (RFC 9110, 9.2.1). */
export const toolMethods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

/** Methods that read, which decides a tool's effect where its declaration does not. */
export const readingMethods: readonly string[] = ['GET', 'HEAD'];

/** Headers that the request sets itself, or that carry credentials, which have a place of their own. */
const reservedHeaders =
  /^(?:host|connection|content-length|transfer-encoding|te|upgrade|trailer|expect|idempotency-key|authorization|proxy-.*|cookie)$/i;

const headerName = z
  .string()
  .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/, 'is no name of a header')
  .refine((name) => !reservedHeaders.test(name), {
    message: 'is set by Perdure, or is a credential: give it as `credentials`',
  });

// Printable ASCII: what is beyond it, and every line break, is refused by servers or changes the request.
const headerValue = z.string().regex(/^[\x20-\x7e]{0,4000}$/, 'may hold printable ASCII only');

/** A secret that goes with each request of a tool; sealed at once and never shown again. */
export const toolCredentialsSchema = z
  .discriminatedUnion('type', [
    z.strictObject({ type: z.literal('bearer'), token: headerValue.min(1) }),
    z.strictObject({
      type: z.literal('basic'),
      username: z
        .string()
        .min(1)
        .max(1000)
        .regex(/^[^:\p{Cc}]*$/u, 'may hold no colon and no control character'),
      password: z
        .string()
        .max(1000)
        .regex(/^\P{Cc}*$/u, 'may hold no control character'),
    }),
    z.strictObject({
      type: z.literal('header'),
      name: z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/, 'is no name of a header'),
      value: headerValue.min(1),
    }),
    z.strictObject({
      type: z.literal('query'),
      name: z.string().min(1).max(200),
      value: z.string().min(1).max(4000),
    }),
  ])
  .describe('Sent with each request; sealed at once, never shown again');

export type ToolCredentials = z.infer<typeof toolCredentialsSchema>;

/** Where an argument goes; `name` is what the service calls it, its own name when left out. */
const argumentPlace = z.discriminatedUnion('in', [
  z.strictObject({ in: z.literal('path'), name: z.string().min(1).max(200).optional() }),
  z.strictObject({
    in: z.literal('query'),
    name: z.string().min(1).max(200).optional(),
    style: z
      .enum(['repeat', 'comma', 'space', 'pipe', 'deep_object', 'json'])
      .default('repeat')
      .describe('How a list or an object is written: a=1&a=2, a=1,2, a=1 2, a=1|2, a[b]=1, or as JSON'),
  }),
  z.strictObject({ in: z.literal('header'), name: headerName.optional() }),
  z.strictObject({
    in: z.literal('body'),
    name: z.string().min(1).max(200).optional(),
    whole: z.boolean().default(false).describe('The argument is the body itself, not one of its fields'),
  }),
]);

/** Configuration of a tool that calls an API. */
export const apiToolConfigurationSchema = z.strictObject({
  method: z.enum(toolMethods),
  url: z
    .string()
    .max(2000)
    // Parameters in the host would let a model choose whom the credentials are sent to.
    .regex(
      /^https?:\/\/[^\s/?#{}@\\]+(?:\/[^\s?#]*)?$/,
      'must be an http or https address without user, query and fragment, with {parameters} in its path only',
    )
    .describe('With path parameters in braces: https://api.example.com/orders/{order_id}'),
  arguments: z
    .record(z.string().min(1).max(200), argumentPlace)
    .default({})
    .describe(
      'Where arguments go. Those left out go into the path if the address names them, else into the query of GET, HEAD and DELETE and into the body of the rest',
    ),
  headers: z.record(headerName, headerValue).default({}).describe('Sent with each request; no credentials'),
  query: z.record(z.string().min(1).max(200), z.string().max(4000)).default({}).describe('Sent with each request'),
  body: z.enum(['json', 'form']).default('json').describe('How the body is written'),
});

export type ApiToolConfiguration = z.infer<typeof apiToolConfigurationSchema>;
export type ArgumentPlace = z.infer<typeof argumentPlace>;

/** Configuration of a built-in tool. */
export const builtinConfigurationSchema = z.discriminatedUnion('builtin', [
  z.strictObject({
    builtin: z.literal('current_time'),
    time_zone: z.string().min(1).max(100).default('UTC').describe('IANA name, used when a call names no other'),
  }),
  z.strictObject({ builtin: z.literal('calculator') }),
]);

export type BuiltinConfiguration = z.infer<typeof builtinConfigurationSchema>;
