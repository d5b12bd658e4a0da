import { v7 } from 'uuid';
import { createIndexGenerations } from '../../../activities/upkeep/index-generations.ts';
import { queryTerms } from '../../../domain/lexical/query-terms.ts';
import { deleteDocument } from '../../../entities/documents/document-repository.ts';
import { query } from '../../../entities/sql.ts';
import type { Database } from '../../../platform/database.ts';
import { textAnalyzer } from '../../../providers/lexical/text-analyzer.ts';

/** A chunk that full text search found. */
export type LexicalHit = { document_id: string; chunk_index: number; score: number };

/** A workspace whose documents are chunks of text alone, without vectors, and BM25 over them. */
export class LexicalLibrary {
  readonly workspaceId = v7();
  /** Of documents that name none; its language is the one the library was created with. */
  readonly sourceId = v7();
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Without a language, each document's own is detected. */
  async create(language: string | null = null): Promise<this> {
    await this.#database.asOperator(async (em) => {
      await query(em, `insert into workspaces (id, name) values ($1::uuid, $1::text)`, [this.workspaceId]);
    });
    await this.addSource(this.sourceId, language);
    return this;
  }

  async addSource(id: string, language: string | null): Promise<void> {
    await this.#database.asOperator((em) =>
      query(
        em,
        `insert into knowledge_sources (id, workspace_id, name, type, language) values ($1::uuid, $2, $1::text, 'upload', $3)`,
        [id, this.workspaceId, language],
      ),
    );
  }

  /** Stores documents in a state after publishing and before indexing; returns their ids. */
  async add(
    documents: readonly { title?: string; chunks: readonly string[]; sourceId?: string; isGlobal?: boolean }[],
  ): Promise<string[]> {
    const ids = documents.map(() => v7());
    await this.#database.asOperator(async (em) => {
      await query(
        em,
        `insert into documents (id, workspace_id, knowledge_source_id, title, document_type, is_global, status,
                                latest_generation, active_generation)
         select d.id, $1, d.source, d.title, 'text', d.is_global, 'ready', 1, 1
         from unnest($2::uuid[], $3::uuid[], $4::text[], $5::boolean[]) as d (id, source, title, is_global)`,
        [
          this.workspaceId,
          ids,
          documents.map(({ sourceId }) => sourceId ?? this.sourceId),
          documents.map(({ title }) => title ?? ''),
          documents.map(({ isGlobal }) => isGlobal ?? true),
        ],
      );
      await query(
        em,
        `insert into document_generations (workspace_id, document_id, generation, state, stage, workflow_id, mime_type,
                                           byte_size, content_hash, chunk_size, chunk_overlap, expected_chunks)
         select $1, d.id, 1, 'active', 'done', 'test', 'text/plain', 0, '', 200, 0, d.chunks
         from unnest($2::uuid[], $3::integer[]) as d (id, chunks)`,
        [this.workspaceId, ids, documents.map(({ chunks }) => chunks.length)],
      );
      const chunks = documents.flatMap((document, place) =>
        document.chunks.map((content, index) => ({ id: ids[place]!, index, content })),
      );
      await query(
        em,
        `insert into document_chunks (workspace_id, document_id, generation, chunk_index, content, start_char, end_char,
                                      token_count)
         select $1, c.id, 1, c.index, c.content, 0, greatest(1, length(c.content)), 1
         from unnest($2::uuid[], $3::integer[], $4::text[]) as c (id, index, content)`,
        [
          this.workspaceId,
          chunks.map((chunk) => chunk.id),
          chunks.map((chunk) => chunk.index),
          chunks.map((chunk) => chunk.content),
        ],
      );
    });
    return ids;
  }

  /** Indexes all that is not indexed. */
  async index(): Promise<void> {
    const indexGenerations = createIndexGenerations({ database: this.#database });
    while ((await indexGenerations()).indexed > 0);
  }

  async delete(documentId: string): Promise<void> {
    await this.#database.inWorkspace(this.workspaceId, (em) =>
      deleteDocument(em, { workspaceId: this.workspaceId, documentId }),
    );
  }

  async search(
    text: string,
    options: {
      languages?: string[];
      sources?: string[];
      condition?: string;
      depth?: number;
      budget?: number;
      userId?: string;
    } = {},
  ): Promise<LexicalHit[]> {
    const analyses = (options.languages ?? ['en']).map((language) => textAnalyzer.analyze(text, language));
    const { keys, weights } = queryTerms(this.workspaceId, analyses);
    return this.#database.asOwner((em) =>
      query<LexicalHit>(
        em,
        `select document_id, chunk_index, score from search_lexical($1, $2, $3, $4, $5, $6, $7, $8)`,
        [
          this.workspaceId,
          options.userId ?? null,
          options.sources ?? null,
          options.condition ?? null,
          keys,
          weights,
          options.depth ?? 50,
          options.budget ?? 5000,
        ],
      ),
    );
  }
}
