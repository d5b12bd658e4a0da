import type { DatabaseConfiguration } from '../../contracts/source-configuration.ts';
import type { DocumentSource } from './document-source.ts';
import type { OpenSourceDatabase } from './source-database.ts';
import { createTableReader, identifier, textIn, type TableRow } from './table-reader.ts';

/**
 * Rows of a query of PostgreSQL, each a document. Listing reads ids and versions alone; the text is read row by row when
 * it has changed.
 */
export function createDatabaseSource(
  settings: DatabaseConfiguration,
  connectionString: string | null,
  open: OpenSourceDatabase,
): DocumentSource {
  const column = (name: string) => `q.${identifier(name)}`;
  const text = `${column(settings.text)}::text`;
  const title = settings.title === undefined ? 'null' : `${column(settings.title)}::text`;
  const reader = createTableReader(open, connectionString, {
    // The line break ends a comment in the query's last line.
    from: `(${settings.query.trim().replace(/;$/, '')}\n) q`,
    id: settings.id,
    listed: {
      title,
      url: settings.url === undefined ? 'null' : `${column(settings.url)}::text`,
      author: settings.author === undefined ? 'null' : `${column(settings.author)}::text`,
      version:
        settings.version === undefined
          ? `md5(concat_ws(E'\\n', ${title}, ${text}))`
          : `${column(settings.version)}::text`,
      metadata: metadataOf(settings.metadata_columns.map((name) => [name, column(name)])),
    },
    fetched: { text, title },
    pageSize: settings.page_size,
    statementTimeoutMs: settings.statement_timeout_ms,
  });
  return {
    async check(signal) {
      await reader.check(signal);
      return { detail: 'The query can be run and has the columns that it needs.' };
    },
    async list(cursor, { signal }) {
      const { rows, last } = await reader.list(cursor, signal);
      return { items: rows.map(itemOf), next: last === null ? [] : [{ key: last, cursor: last }] };
    },
    async fetch({ path }, signal) {
      const row = await reader.fetch(path, signal);
      if (row === null) return null;
      const bytes = Buffer.from(textIn(row, 'text') ?? '', 'utf8');
      return { bytes, mediaType: settings.media_type, charset: 'utf-8', title: textIn(row, 'title') ?? undefined };
    },
    close: () => reader.close(),
  };
}

/** A row of a listing as an item; of addresses only those of the web are shown. */
export function itemOf(row: TableRow) {
  const url = textIn(row, 'url');
  return {
    path: String(row['row_id']),
    title: textIn(row, 'title') ?? undefined,
    sourceUrl: url !== null && /^https?:\/\//.test(url) ? url.slice(0, 2000) : undefined,
    author: textIn(row, 'author') ?? undefined,
    version: textIn(row, 'version'),
    metadata: (row['metadata'] ?? {}) as Record<string, unknown>,
  };
}

/** An expression that gathers columns into one JSON object. */
function metadataOf(columns: readonly (readonly [string, string])[]): string {
  const pairs = columns.map(([name, sql]) => `'${name.replaceAll("'", "''")}', ${sql}`);
  return pairs.length === 0 ? 'null' : `jsonb_build_object(${pairs.join(', ')})`;
}
