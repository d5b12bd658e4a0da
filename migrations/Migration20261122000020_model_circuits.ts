import { Migration } from '@mikro-orm/migrations';

const isolated = `workspace_id = nullif(current_setting('perdure.workspace_id', true), '')::uuid`;

/** What went wrong with a turn's models, and which models are left alone for a while because they fail again and again. */
export class Migration20261122000020_model_circuits extends Migration {
  override up(): void {
    this.addSql(`
      alter table turns
        add column model_faults jsonb not null default '[]' check (jsonb_typeof(model_faults) = 'array')`);
    this.addSql(`
      create table model_circuits (
        workspace_id uuid not null,
        model_id uuid not null,
        failures integer not null default 0 check (failures >= 0),
        openings integer not null default 0 check (openings >= 0),
        open_until timestamptz,
        probed_by uuid,
        probe_until timestamptz,
        last_code text,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now(),
        primary key (workspace_id, model_id),
        foreign key (workspace_id, model_id) references models (workspace_id, id) on delete cascade,
        constraint model_circuits_open_check check ((openings > 0) = (open_until is not null)),
        constraint model_circuits_probe_check check ((probed_by is null) = (probe_until is null))
      )`);
    this.addSql(`alter table model_circuits enable row level security`);
    this.addSql(`create policy workspace_isolation on model_circuits to perdure_app using (${isolated})`);
    this.addSql(`create policy operator_access on model_circuits to perdure_operator using (true)`);
    this.addSql(`
      create trigger touch_updated_at before update on model_circuits for each row
      when (new.updated_at is not distinct from old.updated_at) execute function touch_updated_at()`);
  }

  override down(): void {
    this.addSql(`drop table model_circuits`);
    this.addSql(`alter table turns drop column model_faults`);
  }
}
