import { randomUUID } from 'node:crypto';
import pg from 'pg';
import {
  binaryArray,
  binaryBigints,
  binarySmallints,
  binaryVector,
  byteaTypeId,
  textTypeId,
} from '../../entities/documents/binary-array.ts';
import { placesWithin } from '../../entities/search/chunk-terms-repository.ts';
import type { ChunkTerms } from '../../domain/lexical/count-terms.ts';
import type { Corpus } from '../data/load-corpus.ts';
import { binaryBigint, binaryInteger, binaryJson, binarySmallint, binaryUuid, copyBinary } from './binary-copy.ts';
import { planTerms } from './plan-chunks.ts';
import type { PlannedChunk, PlannedDocument } from './plan-chunks.ts';

/** How rows are sent: arrays as parameters of an insert, or a stream. */
export type RawWay = 'unnest' | 'copy';

interface Row extends PlannedChunk {
  documentId: string;
  terms: ChunkTerms;
}

// Large enough that statements and commits cost nothing, small enough to keep every connection busy to the end.
const rowsPerTransaction = 200;

/**
 * Stores planned chunks in the product's own tables, with all their constraints and indexes, by plain SQL over so many
 * connections as the owner of the tables, whom row-level security lets COPY. Chunks, their terms and their vectors are
 * timed, and the statistics of terms, which the tables' own trigger adds when the documents become active.
 */
export class RawLoader {
  readonly #clients: pg.Client[];
  readonly #corpus: Corpus;
  readonly #vectorTypeId: number;

  /** Seconds of one thread that counting the terms of the last documents took, before the clock started. */
  countingSeconds = 0;

  private constructor(clients: pg.Client[], corpus: Corpus, vectorTypeId: number) {
    this.#clients = clients;
    this.#corpus = corpus;
    this.#vectorTypeId = vectorTypeId;
  }

  static async connect(databaseUrl: string, connections: number, corpus: Corpus): Promise<RawLoader> {
    const clients = Array.from(
      { length: connections },
      () => new pg.Client({ connectionString: databaseUrl, options: '-c role=perdure_owner' }),
    );
    await Promise.all(clients.map((client) => client.connect()));
    const { rows } = await clients[0]!.query<{ id: number }>(`select 'vector'::regtype::oid::integer as id`);
    return new RawLoader(clients, corpus, rows[0]!.id);
  }

  /** Seconds until all parts of the documents are stored and counted; the documents' own rows are written before. */
  async load(way: RawWay, documents: readonly PlannedDocument[]): Promise<number> {
    const ids = documents.map(() => randomUUID());
    await this.#insertDocuments(documents, ids);
    const counting = performance.now();
    const rows = documents.flatMap((document, n) => {
      const terms = planTerms(document, this.#corpus.workspaceId);
      return document.chunks.map((chunk, index) => ({ ...chunk, documentId: ids[n]!, terms: terms[index]! }));
    });
    this.countingSeconds = (performance.now() - counting) / 1000;
    const parts: Row[][] = [];
    for (let from = 0; from < rows.length; from += rowsPerTransaction) {
      parts.push(rows.slice(from, from + rowsPerTransaction));
    }
    const store = way === 'copy' ? this.#copy : this.#unnest;
    const started = performance.now();
    await Promise.all(
      this.#clients.map(async (client) => {
        for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
          await client.query('begin');
          await store.call(this, client, part);
          await client.query('commit');
        }
      }),
    );
    await Promise.all(this.#clients.map((client, n) => activate(client, partOf(ids, n, this.#clients.length))));
    return (performance.now() - started) / 1000;
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.end()));
  }

  async #insertDocuments(documents: readonly PlannedDocument[], ids: readonly string[]): Promise<void> {
    const [client] = this.#clients;
    await client!.query(
      `insert into documents (id, workspace_id, title, document_type, is_global, status, latest_generation, active_generation)
       select id, $1, title, 'markdown', true, 'ready', 1, 1 from unnest($2::uuid[], $3::text[]) as d (id, title)`,
      [this.#corpus.workspaceId, ids, documents.map((document) => document.title)],
    );
    await client!.query(
      `insert into document_generations (workspace_id, document_id, generation, state, stage, workflow_id, mime_type,
                                         byte_size, content_hash, chunk_size, chunk_overlap, expected_chunks,
                                         embedded_chunks, language)
       select $1, id, 1, 'staging', 'done', 'bench', 'text/markdown', 0, '', 240, 32, chunks, chunks, language
       from unnest($2::uuid[], $3::integer[], $4::text[]) as g (id, chunks, language)`,
      [
        this.#corpus.workspaceId,
        ids,
        documents.map((document) => document.chunks.length),
        documents.map((document) => document.language),
      ],
    );
  }

  async #unnest(client: pg.Client, rows: readonly Row[]): Promise<void> {
    const { workspaceId, modelId, partition } = this.#corpus;
    const documents = rows.map((row) => row.documentId);
    const indexes = rows.map((row) => row.index);
    await client.query({
      name: 'chunks',
      text: `insert into document_chunks (workspace_id, document_id, generation, chunk_index, content, start_char, end_char,
                                          token_count, metadata)
             select $1, document, 1, index, content, start_char, end_char, tokens, metadata
             from unnest($2::uuid[], $3::integer[], $4::text[], $5::integer[], $6::integer[], $7::integer[], $8::jsonb[])
                  as c (document, index, content, start_char, end_char, tokens, metadata)`,
      values: [
        workspaceId,
        documents,
        indexes,
        binaryArray(
          textTypeId,
          rows.map((row) => Buffer.from(row.content)),
        ),
        rows.map((row) => row.start),
        rows.map((row) => row.end),
        rows.map((row) => row.tokens),
        rows.map((row) => row.metadata),
      ],
    });
    const keys = placesWithin(rows.map((row) => row.terms.keys.length));
    const frequencies = placesWithin(rows.map((row) => row.terms.frequencies.length));
    await client.query({
      name: 'terms',
      text: `insert into chunk_terms (workspace_id, document_id, generation, chunk_index, length, keys, frequencies)
             select $1, document, 1, index, length, ($9::bigint[])[key_from:key_to],
                    ($10::smallint[])[frequency_from:frequency_to]
             from unnest($2::uuid[], $3::integer[], $4::integer[], $5::integer[], $6::integer[], $7::integer[],
                         $8::integer[])
                  as t (document, index, length, key_from, key_to, frequency_from, frequency_to)`,
      values: [
        workspaceId,
        documents,
        indexes,
        rows.map((row) => row.terms.length),
        keys.from,
        keys.to,
        frequencies.from,
        frequencies.to,
        binaryBigints(rows.flatMap((row) => row.terms.keys)),
        binarySmallints(rows.flatMap((row) => row.terms.frequencies)),
      ],
    });
    await client.query({
      name: 'vectors',
      text: `insert into ${partition} (model_id, workspace_id, document_id, generation, chunk_index, content_hash, embedding)
             select $1, $2, document, 1, index, hash, embedding
             from unnest($3::uuid[], $4::integer[], $5::bytea[], $6::vector[]) as e (document, index, hash, embedding)`,
      values: [
        modelId,
        workspaceId,
        documents,
        indexes,
        binaryArray(
          byteaTypeId,
          rows.map((row) => row.hash),
        ),
        binaryArray(
          this.#vectorTypeId,
          rows.map((row) => binaryVector(row.vector)),
        ),
      ],
    });
  }

  async #copy(client: pg.Client, rows: readonly Row[]): Promise<void> {
    const { workspaceId, modelId, partition } = this.#corpus;
    const [workspace, model, one] = [binaryUuid(workspaceId), binaryUuid(modelId), binaryInteger(1)];
    await copyBinary(
      client,
      `copy document_chunks (workspace_id, document_id, generation, chunk_index, content, start_char, end_char, token_count,
                             metadata) from stdin (format binary)`,
      rows.map((row) => [
        workspace,
        binaryUuid(row.documentId),
        one,
        binaryInteger(row.index),
        Buffer.from(row.content),
        binaryInteger(row.start),
        binaryInteger(row.end),
        binaryInteger(row.tokens),
        binaryJson(row.metadata),
      ]),
    );
    await copyBinary(
      client,
      `copy chunk_terms (workspace_id, document_id, generation, chunk_index, length, keys, frequencies)
       from stdin (format binary)`,
      rows.map(({ documentId, index, terms }) => [
        workspace,
        binaryUuid(documentId),
        one,
        binaryInteger(index),
        binaryInteger(terms.length),
        binaryArray(pg.types.builtins.INT8, terms.keys.map(binaryBigint)),
        binaryArray(pg.types.builtins.INT2, terms.frequencies.map(binarySmallint)),
      ]),
    );
    await copyBinary(
      client,
      `copy ${partition} (model_id, workspace_id, document_id, generation, chunk_index, content_hash, embedding)
       from stdin (format binary)`,
      rows.map((row) => [
        model,
        workspace,
        binaryUuid(row.documentId),
        one,
        binaryInteger(row.index),
        row.hash,
        binaryVector(row.vector),
      ]),
    );
  }
}

async function activate(client: pg.Client, ids: readonly string[]): Promise<void> {
  await client.query(
    `update document_generations set state = 'active' where document_id = any ($1) and generation = 1`,
    [ids],
  );
}

const partOf = <T>(list: readonly T[], part: number, parts: number): T[] =>
  list.filter((_, index) => index % parts === part);
