import type { VectorStoreConfiguration } from '../../contracts/source-configuration.ts';
import { PerdureError } from '../../contracts/errors.ts';
import { itemOf } from './database-source.ts';
import type { DocumentSource } from './document-source.ts';
import type { OpenSourceDatabase } from './source-database.ts';
import { createTableReader, identifier, textIn } from './table-reader.ts';

/** Rows of a table of pgvector, each a document with its vector. */
export function createVectorStoreSource(
  settings: VectorStoreConfiguration,
  connectionString: string | null,
  open: OpenSourceDatabase,
): DocumentSource {
  const column = (name: string | undefined, type = 'text') =>
    name === undefined ? 'null' : `q.${identifier(name)}::${type}`;
  const text = column(settings.text);
  const vector = column(settings.vector);
  const title = column(settings.title);
  const reader = createTableReader(open, connectionString, {
    from: `${settings.table.split('.').map(identifier).join('.')} q`,
    id: settings.id,
    listed: {
      title,
      url: column(settings.url),
      author: 'null',
      version: `md5(concat_ws(E'\\n', ${title}, ${text}, ${vector}))`,
      metadata: column(settings.metadata, 'jsonb'),
    },
    fetched: { text, vector, title },
    pageSize: settings.page_size,
    statementTimeoutMs: settings.statement_timeout_ms,
  });
  return {
    async check(signal) {
      const row = await reader.check(signal);
      const first = row && textIn(row, 'vector');
      const detail = `The table ${settings.table} can be read and has the columns that it needs.`;
      return { detail, ...(first === null ? {} : { dimensions: readVector(first).length }) };
    },
    async list(cursor, { signal }) {
      const { rows, last } = await reader.list(cursor, signal);
      return { items: rows.map(itemOf), next: last === null ? [] : [{ key: last, cursor: last }] };
    },
    async fetch({ path }, signal) {
      const row = await reader.fetch(path, signal);
      if (row === null) return null;
      const vectorText = textIn(row, 'vector');
      const values = vectorText === null ? null : readVector(vectorText);
      return {
        bytes: Buffer.from(textIn(row, 'text') ?? '', 'utf8'),
        mediaType: 'text/plain',
        charset: 'utf-8',
        title: textIn(row, 'title') ?? undefined,
        ...(values === null ? {} : { vector: values }),
      };
    },
    close: () => reader.close(),
  };
}

function readVector(text: string): Float32Array {
  const values = /^\[[^\]]*\]$/.test(text) ? (JSON.parse(text) as unknown[]) : [];
  if (values.length === 0 || values.some((value) => typeof value !== 'number'))
    throw new PerdureError('source_configuration', 'configuration.vector: a value is no vector of pgvector.');
  return Float32Array.from(values as number[]);
}
