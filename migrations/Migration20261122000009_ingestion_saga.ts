import { Migration } from '@mikro-orm/migrations';

const isolated = `workspace_id = nullif(current_setting('perdure.workspace_id', true), '')::uuid`;
const tables = ['embedding_cache', 'embedding_claims', 'rate_limits'];

/** What an ingestion was made with and how long it waited, vectors that are paid once, and the pace of calls to models. */
export class Migration20261122000009_ingestion_saga extends Migration {
  override up(): void {
    this.addSql(`
      alter table document_generations
        add column title text,
        add column queue_wait_ms integer check (queue_wait_ms >= 0),
        add column restarts integer not null default 0 check (restarts >= 0)`);
    this.addSql(`
      update document_generations g set title = d.title from documents d
      where d.workspace_id = g.workspace_id and d.id = g.document_id`);
    // Watchers of a job ask for what has changed since they last looked.
    this.addSql(`drop index document_generations_job_id_idx`);
    this.addSql(
      `create index document_generations_job_id_idx on document_generations (workspace_id, job_id, updated_at)`,
    );
    // The vectors that are stored are the cache: found by what was embedded, and gone with their last chunk.
    this.addSql(`alter table chunk_embeddings add column content_hash bytea`);
    this.addSql(`create index chunk_embeddings_content_hash_idx on chunk_embeddings (workspace_id, content_hash)`);
    this.addSql(`
      create table embedding_cache (
        workspace_id uuid not null,
        model_id uuid not null,
        content_hash bytea not null,
        document_id uuid not null,
        embedding vector not null,
        created_at timestamptz not null default now(),
        primary key (workspace_id, model_id, content_hash, document_id),
        foreign key (workspace_id, model_id) references models (workspace_id, id) on delete cascade,
        foreign key (workspace_id, document_id) references documents (workspace_id, id) on delete cascade
      )`);
    this.addSql(`create index embedding_cache_document_id_idx on embedding_cache (workspace_id, document_id)`);
    this.addSql(`
      create table embedding_claims (
        workspace_id uuid not null,
        model_id uuid not null,
        content_hash bytea not null,
        document_id uuid not null,
        generation integer not null,
        first_chunk integer not null,
        expires_at timestamptz not null,
        created_at timestamptz not null default now(),
        primary key (workspace_id, model_id, content_hash),
        foreign key (workspace_id, model_id) references models (workspace_id, id) on delete cascade,
        foreign key (workspace_id, document_id) references documents (workspace_id, id) on delete cascade
      )`);
    this.addSql(`create index embedding_claims_document_id_idx on embedding_claims (workspace_id, document_id)`);
    this.addSql(`create index embedding_claims_expires_at_idx on embedding_claims (expires_at)`);
    this.addSql(`
      create table rate_limits (
        workspace_id uuid not null,
        model_id uuid not null,
        requests_paid_until timestamptz,
        tokens_paid_until timestamptz,
        blocked_until timestamptz,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now(),
        primary key (workspace_id, model_id),
        foreign key (workspace_id, model_id) references models (workspace_id, id) on delete cascade
      )`);
    for (const table of tables) {
      this.addSql(`alter table ${table} enable row level security`);
      this.addSql(`create policy workspace_isolation on ${table} to perdure_app using (${isolated})`);
      this.addSql(`create policy operator_access on ${table} to perdure_operator using (true)`);
    }
    this.addSql(`
      create trigger touch_updated_at before update on rate_limits for each row
      when (new.updated_at is not distinct from old.updated_at) execute function touch_updated_at()`);
    for (const { signature, body } of functions) {
      this.addSql(`create function ${signature} ${body}`);
      const name = nameWithTypes(signature);
      this.addSql(`alter function ${name} owner to perdure_owner`);
      this.addSql(`revoke all on function ${name} from public`);
      this.addSql(`grant execute on function ${name} to perdure_app, perdure_operator`);
    }
  }

  override down(): void {
    for (const { signature } of functions) this.addSql(`drop function ${nameWithTypes(signature)}`);
    for (const table of tables) this.addSql(`drop table ${table}`);
    this.addSql(`drop index chunk_embeddings_content_hash_idx`);
    this.addSql(`alter table chunk_embeddings drop column content_hash`);
    this.addSql(`drop index document_generations_job_id_idx`);
    this.addSql(`create index document_generations_job_id_idx on document_generations (workspace_id, job_id)`);
    this.addSql(`
      alter table document_generations drop column title, drop column queue_wait_ms, drop column restarts`);
  }
}

function nameWithTypes(signature: string): string {
  return signature.replaceAll(/(?<=[(,]\s*)\w+ /g, '');
}

// The generic cell rate algorithm (ITU-T I.371): one time per limit says until when the calls so far have used it up. A
// tenth of the limit may go out at once, the rest evenly over the minute, so that no minute holds more than the limit.
// A call is given its own moment and waits for it; one that dies before its moment has used it up all the same.
// Locked before the time is read: who waits for the lock would else reckon with a time that is past.
const reserve = {
  signature: 'reserve_model_call(workspace uuid, model uuid, tokens integer, patience_ms integer)',
  body: `
    returns table (wait_ms integer, granted boolean)
    language plpgsql volatile security definer set search_path = public, pg_temp as $function$
    declare
      capabilities jsonb;
      requests double precision;
      tokens_limit double precision;
      request_burst double precision;
      token_burst double precision;
      request_step interval;
      token_step interval;
      used rate_limits;
      present timestamptz;
      moment timestamptz;
    begin
      select m.capabilities into capabilities from models m where m.workspace_id = workspace and m.id = model;
      requests := (capabilities ->> 'requestsPerMinute')::double precision;
      tokens_limit := (capabilities ->> 'tokensPerMinute')::double precision;
      if requests is not null or tokens_limit is not null then
        insert into rate_limits (workspace_id, model_id) values (workspace, model) on conflict do nothing;
        select r.* into used from rate_limits r where r.workspace_id = workspace and r.model_id = model for update;
      else
        select r.* into used from rate_limits r where r.workspace_id = workspace and r.model_id = model;
      end if;
      present := clock_timestamp();
      moment := greatest(present, used.blocked_until);
      if moment > present + patience_ms * interval '1 millisecond' then
        return query select ceil(extract(epoch from moment - present) * 1000)::integer, false;
        return;
      end if;
      if requests is not null then
        request_burst := greatest(1, floor(requests / 10));
        request_step := interval '1 minute' / (requests - request_burst + 1);
        moment := greatest(moment, used.requests_paid_until - request_step * (request_burst - 1));
      end if;
      if tokens_limit is not null then
        token_burst := greatest(1, floor(tokens_limit / 10));
        token_step := interval '1 minute' / (tokens_limit - token_burst + 1);
        moment := greatest(moment, used.tokens_paid_until - token_step * greatest(0, token_burst - tokens));
      end if;
      if requests is not null or tokens_limit is not null then
        update rate_limits r
        set requests_paid_until = greatest(moment, r.requests_paid_until) + request_step,
            tokens_paid_until = greatest(moment, r.tokens_paid_until) + token_step * tokens,
            updated_at = now()
        where r.workspace_id = workspace and r.model_id = model;
      end if;
      return query select ceil(extract(epoch from moment - present) * 1000)::integer, true;
    end $function$`,
};

const settle = {
  signature: 'settle_model_call(workspace uuid, model uuid, extra_tokens integer)',
  body: `
    returns void language sql volatile security definer set search_path = public, pg_temp as $function$
      update rate_limits r
      set tokens_paid_until = r.tokens_paid_until + extra_tokens * interval '1 minute'
            / (l.tokens - greatest(1, floor(l.tokens / 10)) + 1),
          updated_at = now()
      from (select (m.capabilities ->> 'tokensPerMinute')::double precision as tokens from models m
            where m.workspace_id = workspace and m.id = model) l
      where r.workspace_id = workspace and r.model_id = model and l.tokens is not null
    $function$`,
};

const block = {
  signature: 'block_model_calls(workspace uuid, model uuid, pause_ms integer)',
  body: `
    returns void language sql volatile security definer set search_path = public, pg_temp as $function$
      insert into rate_limits (workspace_id, model_id, blocked_until)
      values (workspace, model, clock_timestamp() + pause_ms * interval '1 millisecond')
      on conflict (workspace_id, model_id) do update
      set blocked_until = greatest(rate_limits.blocked_until, excluded.blocked_until), updated_at = now()
    $function$`,
};

const functions = [reserve, settle, block];
