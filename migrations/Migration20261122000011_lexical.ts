import { Migration } from '@mikro-orm/migrations';
import { searchFunctions } from './lexical/search-functions.ts';
import { statisticsFunctions } from './lexical/statistics-functions.ts';

const isolated = `workspace_id = nullif(current_setting('perdure.workspace_id', true), '')::uuid`;
const tables = ['chunk_terms', 'term_statistics', 'term_statistics_deltas', 'lexical_collections'];
const functions = [...statisticsFunctions, ...searchFunctions];

/**
 * BM25: the terms of each chunk with their frequencies, and statistics of the active generations. Generations that were
 * ingested before have no language; upkeep adds their terms.
 */
export class Migration20261122000011_lexical extends Migration {
  override up(): void {
    this.addSql(`alter table knowledge_sources add column language text check (language ~ '^[a-z]{2,3}$')`);
    this.addSql(`alter table document_generations add column language text check (language ~ '^[a-z]{2,3}$')`);
    this.addSql(`create index document_generations_unindexed_idx on document_generations (updated_at)
      where state = 'active' and language is null`);
    this.addSql(`drop index document_chunks_search_vector_idx`);
    this.addSql(`alter table document_chunks drop column search_vector`);
    // keys: hashes of workspace and term, sorted, then those of frequent terms again with their tier; frequencies: of the
    // former. Not in document_chunks, because a search reads thousands of these rows, and the text of ten.
    this.addSql(`
      create table chunk_terms (
        workspace_id uuid not null,
        document_id uuid not null,
        generation integer not null,
        chunk_index integer not null,
        length integer not null check (length >= 0),
        keys bigint[] not null,
        frequencies smallint[] not null,
        created_at timestamptz not null default now(),
        primary key (workspace_id, document_id, generation, chunk_index),
        foreign key (workspace_id, document_id, generation, chunk_index)
          references document_chunks (workspace_id, document_id, generation, chunk_index) on delete cascade
      ) with (toast_tuple_target = 8160)`);
    // Hashes do not compress, and a row that stays in one piece is read in one step.
    this.addSql(`alter table chunk_terms alter column keys set storage external,
      alter column frequencies set storage external`);
    this.addSql(`create index chunk_terms_keys_idx on chunk_terms using gin (keys)`);
    this.addSql(`
      create table term_statistics (
        workspace_id uuid not null references workspaces (id) on delete cascade,
        key bigint not null,
        documents integer not null,
        chunks integer not null,
        created_at timestamptz not null default now(),
        primary key (workspace_id, key)
      )`);
    this.addSql(`
      create table term_statistics_deltas (
        id bigint generated always as identity primary key,
        workspace_id uuid not null references workspaces (id) on delete cascade,
        language text not null,
        change integer not null check (abs(change) = 1),
        chunks integer not null check (chunks >= 0),
        terms bigint not null check (terms >= 0),
        keys bigint[] not null,
        counts integer[] not null,
        created_at timestamptz not null default now()
      )`);
    this.addSql(`alter table term_statistics_deltas alter column keys set storage external`);
    this.addSql(`create index term_statistics_deltas_workspace_id_idx on term_statistics_deltas (workspace_id)`);
    this.addSql(`
      create table lexical_collections (
        workspace_id uuid not null references workspaces (id) on delete cascade,
        language text not null,
        documents bigint not null,
        chunks bigint not null,
        terms bigint not null,
        created_at timestamptz not null default now(),
        primary key (workspace_id, language)
      )`);
    for (const table of tables) {
      this.addSql(`alter table ${table} enable row level security`);
      this.addSql(`create policy workspace_isolation on ${table} to perdure_app using (${isolated})`);
      this.addSql(`create policy operator_access on ${table} to perdure_operator using (true)`);
    }
    for (const statement of functions) this.addSql(statement);
    this.addSql(`grant execute on function fold_term_statistics to perdure_operator`);
    this.addSql(`grant execute on function count_generation_terms to perdure_app, perdure_operator`);
    this.addSql(`
      create trigger track_published_terms after update of state on document_generations for each row
      when ((new.state = 'active') <> (old.state = 'active')) execute function track_term_statistics()`);
    this.addSql(`
      create trigger track_deleted_terms before delete on document_generations for each row
      when (old.state = 'active') execute function track_term_statistics()`);
  }

  override down(): void {
    this.addSql(`drop trigger track_deleted_terms on document_generations`);
    this.addSql(`drop trigger track_published_terms on document_generations`);
    for (const statement of [...functions].reverse()) {
      this.addSql(`drop function ${/create function (\w+)/.exec(statement)![1]}`);
    }
    for (const table of [...tables].reverse()) this.addSql(`drop table ${table}`);
    this.addSql(`alter table document_chunks
      add column search_vector tsvector not null generated always as (to_tsvector('english', content)) stored`);
    this.addSql(`create index document_chunks_search_vector_idx on document_chunks using gin (search_vector)`);
    this.addSql(`drop index document_generations_unindexed_idx`);
    this.addSql(`alter table document_generations drop column language`);
    this.addSql(`alter table knowledge_sources drop column language`);
  }
}
