import { z } from 'zod';
import { jsonObjectField } from './fields.ts';
import { sourceScheduleSchema } from './source-schedule.ts';

const globs = z.array(z.string().min(1).max(500)).max(100);
const httpAddress = z.url({ protocol: /^https?$/ }).max(2000);
const dottedPath = z.string().max(200);

/** What every source that can be synchronised may say. */
const everySource = {
  schedule: sourceScheduleSchema
    .nullable()
    .default(null)
    .describe('When it is synchronised by itself; null: on demand'),
  metadata: jsonObjectField.default({}).describe('Put on each of its documents'),
  largest_removal: z
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe('A sync that would delete more than this share of the documents stops and asks (`allow_removals`)'),
};

/** `file`: a folder of the server, below a root that PERDURE_SOURCE_FOLDERS allows. */
export const folderConfigurationSchema = z.strictObject({
  ...everySource,
  path: z.string().min(1).max(4000).describe('An absolute path as the workers see it'),
  include: globs.default([]).describe('Globs of relative paths, such as **/*.md; empty takes all'),
  exclude: globs.default([]),
  hidden: z.boolean().default(false).describe('Also files and folders whose names begin with a dot'),
});

/** `web`: pages that sitemaps name and that links lead to. Cookies and passwords go into `connection_string` as headers. */
export const webConfigurationSchema = z.strictObject({
  ...everySource,
  start: z.array(httpAddress).min(1).max(100).describe('Where to begin; sitemaps of their hosts are read too'),
  sitemap: z.boolean().default(true).describe('Read the sitemaps that robots.txt names, and /sitemap.xml'),
  follow_links: z.boolean().default(true),
  max_depth: z.int().min(0).max(50).default(5).describe('Links from a start page; a page of the sitemap has depth 0'),
  max_pages: z.int().min(1).max(1_000_000).default(10_000),
  hosts: z.array(z.string().min(1).max(255)).max(100).default([]).describe('Hosts besides those of `start`'),
  include: globs.default([]).describe('Globs of paths, such as /docs/**; empty takes all'),
  exclude: globs.default([]),
  delay_ms: z
    .int()
    .min(0)
    .max(600_000)
    .default(500)
    .describe('Between two requests to a host; Crawl-delay may ask for more'),
});

/** `api`: a REST interface that lists items as JSON. Its credentials are headers in `connection_string`, one a line. */
export const apiConfigurationSchema = z.strictObject({
  ...everySource,
  url: httpAddress.describe('The list; its query stays as it is'),
  items: dottedPath
    .default('')
    .describe('Where the items stand in an answer, such as data.items; empty: the answer is the list'),
  fields: z
    .strictObject({
      id: dottedPath.default('id'),
      title: dottedPath.optional(),
      text: z
        .union([dottedPath, z.array(dottedPath).min(1).max(20)])
        .describe('One field or several, joined by a blank line'),
      url: dottedPath.optional(),
      author: dottedPath.optional(),
      version: dottedPath.optional().describe('Such as updated_at; without it the text itself is compared'),
      metadata: z.record(z.string().max(100), dottedPath).default({}),
    })
    .describe('Paths into an item'),
  item_url: z
    .string()
    .max(2000)
    .optional()
    .describe('Where one item is read in full, with {id}; its text is taken from there'),
  media_type: z.string().max(100).default('text/plain').describe('Of the text: text/plain, text/markdown or text/html'),
  headers: z.record(z.string().max(100), z.string().max(2000)).default({}).describe('Without secrets: these are shown'),
  pagination: z
    .discriminatedUnion('type', [
      z.strictObject({ type: z.literal('none') }),
      z.strictObject({ type: z.literal('link') }).describe('The header Link with rel="next" (RFC 8288)'),
      z.strictObject({
        type: z.literal('page'),
        parameter: z.string().min(1).max(100).default('page'),
        first: z.int().min(0).max(1).default(1),
        size_parameter: z.string().min(1).max(100).optional(),
        size: z.int().min(1).max(10_000).default(100),
      }),
      z.strictObject({
        type: z.literal('offset'),
        parameter: z.string().min(1).max(100).default('offset'),
        size_parameter: z.string().min(1).max(100).default('limit'),
        size: z.int().min(1).max(10_000).default(100),
      }),
      z.strictObject({
        type: z.literal('cursor'),
        parameter: z.string().min(1).max(100).default('cursor'),
        next: dottedPath.describe('Where an answer holds the next cursor, or the next address'),
      }),
    ])
    .default({ type: 'none' }),
});

/** `database`: a query of PostgreSQL, reached by `connection_string`. */
export const databaseConfigurationSchema = z.strictObject({
  ...everySource,
  query: z.string().min(1).max(20_000).describe('One select that gives an id, a text and what else is named below'),
  id: z.string().min(1).max(63).default('id'),
  title: z.string().min(1).max(63).optional(),
  text: z.string().min(1).max(63).default('content'),
  version: z
    .string()
    .min(1)
    .max(63)
    .optional()
    .describe('Such as updated_at; without it a hash of the text is compared'),
  url: z.string().min(1).max(63).optional(),
  author: z.string().min(1).max(63).optional(),
  metadata_columns: z.array(z.string().min(1).max(63)).max(50).default([]),
  media_type: z.string().max(100).default('text/plain'),
  page_size: z.int().min(1).max(10_000).default(500),
  statement_timeout_ms: z.int().min(100).max(600_000).default(30_000),
});

/** `vector_store`: a table with a pgvector column, whose texts are taken with their vectors where the model is the same. */
export const vectorStoreConfigurationSchema = z.strictObject({
  ...everySource,
  table: z.string().min(1).max(130).describe('With its schema, if it is not in the search path'),
  id: z.string().min(1).max(63).default('id'),
  text: z.string().min(1).max(63).default('content'),
  vector: z.string().min(1).max(63).default('embedding'),
  title: z.string().min(1).max(63).optional(),
  url: z.string().min(1).max(63).optional(),
  metadata: z.string().min(1).max(63).optional().describe('A column of type json'),
  embedding_model: z.string().min(1).max(200).describe('Name or id of the model here that made the vectors'),
  page_size: z.int().min(1).max(10_000).default(500),
  statement_timeout_ms: z.int().min(100).max(600_000).default(30_000),
});

/** Configuration of each type of source; an `upload` source takes what it is sent and may hold notes of the owner's. */
export const sourceConfigurationSchemas = {
  upload: jsonObjectField,
  file: folderConfigurationSchema,
  web: webConfigurationSchema,
  api: apiConfigurationSchema,
  database: databaseConfigurationSchema,
  vector_store: vectorStoreConfigurationSchema,
} as const;

export type FolderConfiguration = z.infer<typeof folderConfigurationSchema>;
export type WebConfiguration = z.infer<typeof webConfigurationSchema>;
export type ApiConfiguration = z.infer<typeof apiConfigurationSchema>;
export type DatabaseConfiguration = z.infer<typeof databaseConfigurationSchema>;
export type VectorStoreConfiguration = z.infer<typeof vectorStoreConfigurationSchema>;
