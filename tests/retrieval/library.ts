import { v7 } from 'uuid';
import { termCounter } from '../../domain/lexical/count-terms.ts';
import { query } from '../../entities/sql.ts';
import type { Database } from '../../platform/database.ts';
import { textAnalyzer } from '../../providers/lexical/text-analyzer.ts';

/** A workspace with two users, two sources and an embedding model of so many dimensions, and ways to put chunks into it. */
export class Library {
  readonly workspaceId: string;
  readonly modelId: string;
  readonly ada = v7();
  readonly bob = v7();
  readonly manuals = v7();
  readonly letters = v7();
  readonly #database: Database;
  readonly #dimensions: number;

  constructor(database: Database, dimensions = 3, existing = { workspaceId: v7(), modelId: v7() }) {
    this.#database = database;
    this.#dimensions = dimensions;
    this.workspaceId = existing.workspaceId;
    this.modelId = existing.modelId;
  }

  async create(): Promise<this> {
    await this.#database.asOperator(async (em) => {
      await query(em, `insert into workspaces (id, name) values ($1::uuid, $1::text)`, [this.workspaceId]);
      await query(
        em,
        `insert into users (id, workspace_id, external_id) select id, $1, id::text from unnest($2::uuid[]) as u (id)`,
        [this.workspaceId, [this.ada, this.bob]],
      );
      await query(
        em,
        `insert into knowledge_sources (id, workspace_id, name, type)
         select id, $1, id::text, 'upload' from unnest($2::uuid[]) as s (id)`,
        [this.workspaceId, [this.manuals, this.letters]],
      );
    });
    await this.addModel(this.modelId, this.#dimensions);
    return this;
  }

  async addModel(id: string, dimensions: number): Promise<void> {
    await this.#database.asOperator(async (em) => {
      await query(
        em,
        `insert into models (id, workspace_id, name, kind, provider, model_id, dimensions)
         values ($1::uuid, $2, $1::text, 'embedding', 'synthetic', 'synthetic', $3)`,
        [id, this.workspaceId, dimensions],
      );
      await query(em, `select register_embedding_model($1)`, [id]);
    });
  }

  /** Stores a document of the given chunks in one generation, and makes that the active one unless told otherwise. */
  async add(
    title: string,
    chunks: { content: string; vector: number[]; modelId?: string }[],
    options: {
      userId?: string;
      isGlobal?: boolean;
      sourceId?: string;
      generation?: number;
      active?: number | null;
      deleted?: boolean;
      metadata?: Record<string, unknown>;
    } = {},
  ): Promise<string> {
    const id = v7();
    const generation = options.generation ?? 1;
    const active = options.active === undefined ? generation : options.active;
    await this.#database.asOperator(async (em) => {
      await query(
        em,
        `insert into documents (id, workspace_id, knowledge_source_id, user_id, title, document_type, source_url,
                                is_global, status, latest_generation, active_generation, deleted_at,
                                metadata)
         values ($1, $2, $3, $4, $5, 'text', 'https://example.com/' || $5, $6, 'ready', $7, $8,
                 case when $9 then now() end, $10)`,
        [
          id,
          this.workspaceId,
          options.sourceId ?? null,
          options.userId ?? null,
          title,
          options.isGlobal ?? options.userId === undefined,
          Math.max(generation, active ?? 0),
          options.deleted ? null : active,
          options.deleted ?? false,
          JSON.stringify(options.metadata ?? {}),
        ],
      );
      for (const number of new Set([generation, ...(active === null ? [] : [active])])) {
        await query(
          em,
          `insert into document_generations (workspace_id, document_id, generation, state, workflow_id, mime_type,
                                             byte_size, content_hash, chunk_size, chunk_overlap, expected_chunks,
                                             language)
           values ($1, $2, $3, $4, 'test', 'text/plain', 0, '', 200, 0, $5, 'en')`,
          [this.workspaceId, id, number, number === active ? 'active' : 'staging', chunks.length],
        );
      }
      await query(
        em,
        `insert into document_chunks (workspace_id, document_id, generation, chunk_index, content, start_char,
                                      end_char, token_count)
         select $1, $2, $3, position - 1, content, position, position + length(content), 1
         from unnest($4::text[]) with ordinality as c (content, position)`,
        [this.workspaceId, id, generation, chunks.map((chunk) => chunk.content)],
      );
      const count = termCounter(this.workspaceId);
      const terms = chunks.map(({ content }) => count([{ terms: textAnalyzer.analyze(content, 'en'), weight: 1 }]));
      for (const [index, { length, keys, frequencies }] of terms.entries()) {
        await query(
          em,
          `insert into chunk_terms (workspace_id, document_id, generation, chunk_index, length, keys, frequencies)
           values ($1, $2, $3, $4, $5, $6, $7)`,
          [this.workspaceId, id, generation, index, length, keys, frequencies],
        );
      }
      if (generation === active && !options.deleted) {
        await query(em, `select count_generation_terms($1, $2, $3, 1)`, [this.workspaceId, id, generation]);
      }
      await query(
        em,
        `insert into chunk_embeddings (model_id, workspace_id, document_id, generation, chunk_index, embedding)
         select model, $1, $2, $3, position - 1, vector::vector
         from unnest($4::uuid[], $5::text[]) with ordinality as e (model, vector, position)`,
        [
          this.workspaceId,
          id,
          generation,
          chunks.map((chunk) => chunk.modelId ?? this.modelId),
          chunks.map((chunk) => `[${chunk.vector.join(',')}]`),
        ],
      );
    });
    return id;
  }
}
