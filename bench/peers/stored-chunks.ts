import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { StoredChunk } from './compare-chunks.ts';
import type { PeerTable } from './ingest-order.ts';

/** Gives a peer's table the chunks that the product's base database has, and an index of the same kind and parameters. */
export async function fillTable(client: pg.Client, { table, vector, content, metadata }: PeerTable): Promise<void> {
  await client.query(
    `insert into ${table} (${content}, ${metadata}, ${vector})
     select c.content, jsonb_build_object('source', c.document_id), e.embedding
     from chunk_embeddings e join document_chunks c using (document_id, generation, chunk_index)`,
  );
  await client.query(
    `create index on ${table} using hnsw (${vector} vector_cosine_ops) with (m = 16, ef_construction = 64)`,
  );
  await client.query(`vacuum (analyze) ${table}`);
}

/** The rows that a peer has stored of documents whose path begins so, whatever a killed process's last statement added. */
export async function readPeerChunks(client: pg.Client, table: PeerTable, prefix: string): Promise<StoredChunk[]> {
  await untilAlone(client);
  return selectPeerChunks(client, table, prefix);
}

/** Resolves when a peer has stored so many chunks of such documents. */
export async function untilStored(client: pg.Client, table: PeerTable, prefix: string, chunks: number): Promise<void> {
  while ((await selectPeerChunks(client, table, prefix)).length < chunks) await sleep(20);
}

/** The rows that the product has of such documents, of whatever generation, each with its vector. */
export async function readProductChunks(client: pg.Client, prefix: string): Promise<StoredChunk[]> {
  const { rows } = await client.query<StoredChunk>(
    `select d.source_path as path, c.content
     from documents d join document_chunks c on c.document_id = d.id
     join chunk_embeddings e using (document_id, generation, chunk_index)
     where starts_with(d.source_path, $1)`,
    [prefix],
  );
  return rows;
}

async function selectPeerChunks(client: pg.Client, table: PeerTable, prefix: string): Promise<StoredChunk[]> {
  const { rows } = await client.query<StoredChunk>(
    `select ${table.metadata}->>'source' as path, ${table.content} as content from ${table.table}
     where starts_with(${table.metadata}->>'source', $1)`,
    [prefix],
  );
  return rows;
}

// A server finishes the statement of a client that was killed.
async function untilAlone(client: pg.Client): Promise<void> {
  for (;;) {
    const { rows } = await client.query(
      `select from pg_stat_activity
       where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()`,
    );
    if (rows.length === 0) return;
    await sleep(20);
  }
}
