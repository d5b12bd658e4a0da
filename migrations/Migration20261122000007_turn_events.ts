import { Migration } from '@mikro-orm/migrations';

/** The one way by which attempts append to the stream log. */
export class Migration20261122000007_turn_events extends Migration {
  override up(): void {
    // One statement serves many turns of many workspaces, so it runs as the owner and takes the workspace with each row.
    // FOR SHARE makes a takeover (FOR UPDATE) wait for this statement, or makes this statement see the takeover.
    // Locks are taken in the order of the ids, so two of these cannot wait for each other.
    // A row without a kind only asks: an attempt whose model is silent learns so that it was cancelled or overtaken.
    // A statement that is repeated because its outcome was unknown finds its own rows: hence `do nothing`.
    this.addSql(`
      create function append_turn_events(
        workspaces uuid[], turn_ids uuid[], attempts integer[], seqs bigint[], kinds text[], datas jsonb[])
      returns table (turn_id uuid, live boolean, cancel_requested boolean)
      language sql volatile security definer set search_path = public, pg_temp as $function$
        with given as (
          select * from unnest(workspaces, turn_ids, attempts, seqs, kinds, datas)
            as g (workspace_id, turn_id, attempt, seq, kind, data)),
        fence as (
          select t.id, t.workspace_id, t.attempt, t.state, t.cancel_requested_at
          from turns t where t.id = any (turn_ids) order by t.id for share),
        written as (
          insert into turn_events (workspace_id, turn_id, seq, attempt, kind, data)
          select g.workspace_id, g.turn_id, g.seq, g.attempt, g.kind, g.data
          from given g join fence f
            on f.id = g.turn_id and f.workspace_id = g.workspace_id and f.attempt = g.attempt and f.state = 'running'
          where g.kind is not null
          on conflict do nothing)
        select f.id, f.state = 'running' and bool_and(f.attempt = g.attempt and f.workspace_id = g.workspace_id),
               f.cancel_requested_at is not null
        from fence f join given g on g.turn_id = f.id
        group by f.id, f.state, f.cancel_requested_at
      $function$`);
    this.addSql(
      `alter function append_turn_events(uuid[], uuid[], integer[], bigint[], text[], jsonb[]) owner to perdure_owner`,
    );
    this.addSql(
      `revoke all on function append_turn_events(uuid[], uuid[], integer[], bigint[], text[], jsonb[]) from public`,
    );
    this.addSql(
      `grant execute on function append_turn_events(uuid[], uuid[], integer[], bigint[], text[], jsonb[]) to perdure_app`,
    );
  }

  override down(): void {
    this.addSql(`drop function append_turn_events(uuid[], uuid[], integer[], bigint[], text[], jsonb[])`);
  }
}
