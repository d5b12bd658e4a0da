import type { z } from 'zod';
import { PerdureError } from '../../contracts/errors.ts';
import { folderConfigurationSchema } from '../../contracts/source-configuration.ts';
import type { GuardedFetch } from '../fetch/guarded-fetch.ts';
import type { DocumentSource } from './document-source.ts';
import { createFolderSource } from './folder-source.ts';

/** A source with its credentials in the clear. */
export interface SourceSettings {
  readonly type: string;
  readonly configuration: Readonly<Record<string, unknown>>;
  readonly connectionString: string | null;
}

/** What the adapters of one process share. */
export interface SourceTools {
  readonly fetch: GuardedFetch;
  /** Folders below which a source may read files. */
  readonly folders: readonly string[];
}

/**
 * Resolves a source to its adapter.
 * @throws PerdureError `source_configuration` when its configuration does not fit its type.
 */
export function openSource(settings: SourceSettings, tools: SourceTools): DocumentSource {
  switch (settings.type) {
    case 'file':
      return createFolderSource(read(folderConfigurationSchema, settings), tools.folders);
    default:
      throw new PerdureError('source_configuration', `A source of the type ${settings.type} holds nothing to list.`);
  }
}

function read<Schema extends z.ZodType>(schema: Schema, settings: SourceSettings): z.output<Schema> {
  const parsed = schema.safeParse(settings.configuration);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = ['configuration', ...(issue?.path ?? [])].join('.');
  throw new PerdureError('source_configuration', `${where}: ${issue?.message ?? 'is not valid'}. Change the source.`);
}
