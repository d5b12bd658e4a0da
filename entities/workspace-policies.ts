import type { PolicyDef } from '@mikro-orm/core';

/** Row-level security of a table whose rows belong to a workspace: the application sees one, the operator all. */
export const workspacePolicies = policies('workspace_id');

/** The same for the table of the workspaces themselves. */
export const workspaceOwnPolicies = policies('id');

function policies(column: string): PolicyDef<never>[] {
  const isolated = `${column} = nullif(current_setting('perdure.workspace_id', true), '')::uuid`;
  return [
    { name: 'workspace_isolation', roles: ['perdure_app'], using: isolated },
    { name: 'operator_access', roles: ['perdure_operator'], using: 'true' },
  ];
}
