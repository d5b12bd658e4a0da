import { Migration } from '@mikro-orm/migrations';
import { searchFunctions } from './Migration20261122000006_search.ts';
import { filterFunctions } from './search/filter-functions.ts';
import { resultFunctions } from './search/result-functions.ts';
import { setupFunctions } from './search/setup-functions.ts';
import { vectorFunctions } from './search/vector-functions.ts';

/**
 * Search with filters over metadata, several sources, three metrics, BM25 and a visible plan. `hybrid_search` brings the
 * candidates of both lists with their scores; fusing them is the caller's, who then reads the winners' text.
 */
export class Migration20261122000012_search extends Migration {
  override up(): void {
    this.addSql(loadVectorLibrary);
    for (const [before, after] of renamedStrategies) this.rename(before, after);
    this.addSql(`alter table retrieval_tools alter column retrieval_strategy set default 'hybrid'`);
    this.addSql(`alter table retrieval_tools add constraint retrieval_tools_retrieval_strategy_check
      check (retrieval_strategy in ('hybrid', 'vector', 'text'))`);
    this.addSql(`alter table rag_tools alter column chunk_size set default 240`);
    this.addSql(`create index documents_metadata_idx on documents using gin (metadata jsonb_path_ops)`);
    for (const statement of [...searchFunctions].reverse()) {
      this.addSql(`drop function ${/create function (\w+)/.exec(statement)![1]}`);
    }
    for (const statement of statements) this.addSql(statement);
    this.addSql(`grant execute on function ${granted.join(', ')} to perdure_app, perdure_operator`);
  }

  override down(): void {
    this.addSql(loadVectorLibrary);
    for (const statement of [...statements].reverse()) {
      this.addSql(`drop function ${/create function (\w+)/.exec(statement)![1]}`);
    }
    for (const statement of searchFunctions) this.addSql(statement);
    this.addSql(`grant execute on function hybrid_search to perdure_app, perdure_operator`);
    this.addSql(`drop index documents_metadata_idx`);
    this.addSql(`alter table rag_tools alter column chunk_size set default 200`);
    for (const [before, after] of renamedStrategies) this.rename(after, before);
    this.addSql(`alter table retrieval_tools add constraint retrieval_tools_retrieval_strategy_check
      check (retrieval_strategy in ('hybrid', 'dense', 'full_text'))`);
  }

  private rename(before: string, after: string): void {
    this.addSql(`alter table retrieval_tools drop constraint if exists retrieval_tools_retrieval_strategy_check`);
    this.addSql(`update retrieval_tools set retrieval_strategy = '${after}' where retrieval_strategy = '${before}'`);
    this.addSql(`update rag_tools set retrieval_params = jsonb_set(retrieval_params, '{strategy}', '"${after}"')
      where retrieval_params ->> 'strategy' = '${before}'`);
  }
}

// pgvector's settings exist once its library is loaded, which a first vector does; before, only a superuser may name them.
const loadVectorLibrary = `do $do$ begin perform '[1]'::vector; end $do$`;

const renamedStrategies = [
  ['dense', 'vector'],
  ['full_text', 'text'],
] as const;

const granted = ['find_search_setup', 'hybrid_search', 'read_search_hits'];

const statements = [...filterFunctions, ...vectorFunctions, ...resultFunctions, ...setupFunctions];
