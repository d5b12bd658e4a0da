import { Migration } from '@mikro-orm/migrations';

const isolated = `workspace_id = nullif(current_setting('perdure.workspace_id', true), '')::uuid`;
const tables = ['agent_tools', 'agent_versions', 'prompt_template_versions'];
const newTypes = `'summary', 'title', 'topic'`;

/** Versions of agents and prompt templates, what an agent's turns may use up, and its tools as rows. */
export class Migration20261122000018_agent_versions extends Migration {
  override up(): void {
    this.addSql(`
      alter table agents
        add column limits jsonb not null default '{}' check (jsonb_typeof(limits) = 'object'),
        add column on_busy text not null default 'queue' check (on_busy in ('queue', 'replace', 'refuse')),
        add column fallback_models jsonb not null default '[]' check (jsonb_typeof(fallback_models) = 'array')`);
    // A topic was any JSON: a string becomes its name, and what has no name of its own is named by its place.
    this.addSql(`
      update agents a set topics = (
        select jsonb_agg(
          jsonb_build_object('name', coalesce(topic #>> '{}', 'topic ' || place), 'description', '', 'instructions', '',
                             'keywords', '[]'::jsonb, 'tools', '[]'::jsonb)
          || case when jsonb_typeof(topic) = 'object' then jsonb_build_object('name', 'topic ' || place) || topic
                  else jsonb_build_object('name', topic #>> '{}') end
          order by place)
        from jsonb_array_elements(topics) with ordinality as listed (topic, place))
      where topics <> '[]'`);
    this.addSql(`
      create table agent_tools (
        workspace_id uuid not null,
        agent_id uuid not null,
        position integer not null check (position >= 0),
        tool_type text not null check (tool_type in ('rag_tool', 'retrieval_tool', 'tool')),
        rag_tool_id uuid,
        retrieval_tool_id uuid,
        tool_id uuid,
        use text not null default 'before' check (use in ('before', 'on_demand')),
        needs_approval text check (needs_approval in ('never', 'always')),
        created_at timestamptz not null default now(),
        primary key (agent_id, position),
        unique (agent_id, rag_tool_id),
        unique (agent_id, retrieval_tool_id),
        unique (agent_id, tool_id),
        foreign key (workspace_id, agent_id) references agents (workspace_id, id) on delete cascade,
        foreign key (workspace_id, rag_tool_id) references rag_tools (workspace_id, id) on delete cascade,
        foreign key (workspace_id, retrieval_tool_id) references retrieval_tools (workspace_id, id) on delete cascade,
        foreign key (workspace_id, tool_id) references tools (workspace_id, id) on delete cascade,
        constraint agent_tools_reference_check check (
          (tool_type = 'rag_tool') = (rag_tool_id is not null)
          and (tool_type = 'retrieval_tool') = (retrieval_tool_id is not null)
          and (tool_type = 'tool') = (tool_id is not null))
      )`);
    for (const column of ['agent_id', 'rag_tool_id', 'retrieval_tool_id', 'tool_id'])
      this.addSql(`create index agent_tools_${column}_idx on agent_tools (workspace_id, ${column})`);
    this.addSql(`
      insert into agent_tools (workspace_id, agent_id, position, tool_type, rag_tool_id, retrieval_tool_id)
      select distinct on (a.id, coalesce(r.id, s.id)) a.workspace_id, a.id, place - 1, listed.tool ->> 'type', r.id, s.id
      from agents a, jsonb_array_elements(a.tools) with ordinality as listed (tool, place)
      left join rag_tools r on listed.tool ->> 'type' = 'rag_tool' and r.id::text = listed.tool ->> 'id'
      left join retrieval_tools s on listed.tool ->> 'type' = 'retrieval_tool' and s.id::text = listed.tool ->> 'id'
      where coalesce(r.workspace_id, s.workspace_id) = a.workspace_id
      order by a.id, coalesce(r.id, s.id), place`);
    this.addSql(`alter table agents drop column tools`);
    this.addSql(`
      create table agent_versions (
        agent_id uuid not null,
        version integer not null check (version > 0),
        workspace_id uuid not null,
        snapshot jsonb not null check (jsonb_typeof(snapshot) = 'object'),
        created_at timestamptz not null default now(),
        primary key (agent_id, version),
        foreign key (workspace_id, agent_id) references agents (workspace_id, id) on delete cascade
      )`);
    this.addSql(`create index agent_versions_agent_idx on agent_versions (workspace_id, agent_id)`);
    this.addSql(`
      insert into agent_versions (agent_id, version, workspace_id, created_at, snapshot)
      select a.id, a.version, a.workspace_id, a.updated_at,
             jsonb_build_object(
               'name', a.name, 'description', a.description, 'system_prompt', a.system_prompt, 'model_id', a.model_id,
               'temperature', a.temperature, 'max_tokens', a.max_tokens, 'limits', a.limits, 'on_busy', a.on_busy,
               'fallback_models', a.fallback_models, 'topics', a.topics,
               'tools', coalesce((
                 select jsonb_agg(jsonb_build_object('type', t.tool_type, 'id', coalesce(t.rag_tool_id, t.retrieval_tool_id))
                                  order by t.position)
                 from agent_tools t where t.workspace_id = a.workspace_id and t.agent_id = a.id), '[]'),
               'prompt_templates', coalesce((
                 select jsonb_agg(u.prompt_template_id order by u.position, u.prompt_template_id)
                 from agent_prompt_templates u where u.workspace_id = a.workspace_id and u.agent_id = a.id), '[]'))
      from agents a`);
    this.addSql(`alter table prompt_templates drop constraint prompt_templates_type_check`);
    this.addSql(`
      alter table prompt_templates add constraint prompt_templates_type_check
        check (type in ('system', 'user', 'assistant', 'tool', ${newTypes}))`);
    this.addSql(`
      update prompt_templates p set variables = (
        select jsonb_agg(
          case when jsonb_typeof(variable) = 'string'
               then jsonb_build_object('name', variable, 'type', 'string', 'required', true, 'default', null)
               else variable end order by place)
        from jsonb_array_elements(variables) with ordinality as listed (variable, place))
      where variables <> '[]'`);
    this.addSql(`
      create table prompt_template_versions (
        prompt_template_id uuid not null,
        version integer not null check (version > 0),
        workspace_id uuid not null,
        snapshot jsonb not null check (jsonb_typeof(snapshot) = 'object'),
        created_at timestamptz not null default now(),
        primary key (prompt_template_id, version),
        foreign key (workspace_id, prompt_template_id) references prompt_templates (workspace_id, id) on delete cascade
      )`);
    this.addSql(
      `create index prompt_template_versions_template_idx on prompt_template_versions (workspace_id, prompt_template_id)`,
    );
    this.addSql(`
      insert into prompt_template_versions (prompt_template_id, version, workspace_id, created_at, snapshot)
      select id, version, workspace_id, updated_at,
             jsonb_build_object('name', name, 'type', type, 'template', template, 'variables', variables)
      from prompt_templates`);
    for (const table of tables) {
      this.addSql(`alter table ${table} enable row level security`);
      this.addSql(`create policy workspace_isolation on ${table} to perdure_app using (${isolated})`);
      this.addSql(`create policy operator_access on ${table} to perdure_operator using (true)`);
    }
  }

  override down(): void {
    this.addSql(`drop table prompt_template_versions`);
    this.addSql(`
      update prompt_templates p set variables = (
        select jsonb_agg(coalesce(variable -> 'name', variable) order by place)
        from jsonb_array_elements(variables) with ordinality as listed (variable, place))
      where variables <> '[]'`);
    this.addSql(`delete from agent_prompt_templates u using prompt_templates p
      where p.id = u.prompt_template_id and p.type in (${newTypes})`);
    this.addSql(`delete from prompt_templates where type in (${newTypes})`);
    this.addSql(`alter table prompt_templates drop constraint prompt_templates_type_check`);
    this.addSql(`
      alter table prompt_templates add constraint prompt_templates_type_check
        check (type in ('system', 'user', 'assistant', 'tool'))`);
    this.addSql(`drop table agent_versions`);
    this.addSql(`
      alter table agents add column tools jsonb not null default '[]'
        constraint agents_tools_check check (jsonb_typeof(tools) = 'array')`);
    this.addSql(`
      update agents a set tools = listed.tools
      from (select agent_id, jsonb_agg(jsonb_build_object('type', tool_type, 'id', coalesce(rag_tool_id, retrieval_tool_id))
                                       order by position) as tools
            from agent_tools where tool_type <> 'tool' group by agent_id) as listed
      where listed.agent_id = a.id`);
    this.addSql(`drop table agent_tools`);
    this.addSql(`alter table agents drop column limits, drop column on_busy, drop column fallback_models`);
  }
}
