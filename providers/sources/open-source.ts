import type { z } from 'zod';
import { PerdureError } from '../../contracts/errors.ts';
import {
  apiConfigurationSchema,
  databaseConfigurationSchema,
  folderConfigurationSchema,
  vectorStoreConfigurationSchema,
  webConfigurationSchema,
} from '../../contracts/source-configuration.ts';
import type { GuardedFetch } from '../fetch/guarded-fetch.ts';
import { createApiSource } from './api-source.ts';
import { createDatabaseSource } from './database-source.ts';
import type { DocumentSource } from './document-source.ts';
import { createFolderSource } from './folder-source.ts';
import type { ReadRobotsRules } from './robots-rules.ts';
import type { OpenSourceDatabase } from './source-database.ts';
import { createUploadSource } from './upload-source.ts';
import { createVectorStoreSource } from './vector-store-source.ts';
import { createWebSource } from './web-source.ts';

/** A source with its credentials in the clear. */
export interface SourceSettings {
  readonly type: string;
  readonly configuration: Readonly<Record<string, unknown>>;
  readonly connectionString: string | null;
}

/** What the adapters of one process share. */
export interface SourceTools {
  readonly fetch: GuardedFetch;
  readonly robots: ReadRobotsRules;
  readonly database: OpenSourceDatabase;
  /** Folders below which a source may read files. */
  readonly folders: readonly string[];
}

/**
 * Resolves a source to its adapter.
 * @throws PerdureError `source_configuration` when its configuration does not fit its type.
 */
export function openSource(settings: SourceSettings, tools: SourceTools): DocumentSource {
  const { connectionString } = settings;
  switch (settings.type) {
    case 'upload':
      return createUploadSource(tools.fetch);
    case 'file':
      return createFolderSource(read(folderConfigurationSchema, settings), tools.folders);
    case 'web':
      return createWebSource(read(webConfigurationSchema, settings), connectionString, tools);
    case 'api':
      return createApiSource(read(apiConfigurationSchema, settings), connectionString, tools.fetch);
    case 'database':
      return createDatabaseSource(read(databaseConfigurationSchema, settings), connectionString, tools.database);
    case 'vector_store':
      return createVectorStoreSource(read(vectorStoreConfigurationSchema, settings), connectionString, tools.database);
    default:
      throw new PerdureError('source_configuration', `There is no source of the type ${settings.type}.`);
  }
}

function read<Schema extends z.ZodType>(schema: Schema, settings: SourceSettings): z.output<Schema> {
  const parsed = schema.safeParse(settings.configuration);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = ['configuration', ...(issue?.path ?? [])].join('.');
  throw new PerdureError('source_configuration', `${where}: ${issue?.message ?? 'is not valid'}. Change the source.`);
}
