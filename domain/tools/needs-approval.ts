import { meetsCondition } from './meets-condition.ts';

/** When a person must approve a call, as a tool declares it. */
type Approval =
  | { readonly mode: 'never' }
  | { readonly mode: 'always' }
  | { readonly mode: 'when'; readonly condition: Readonly<Record<string, unknown>> };

/** Whether a call with these arguments, which fit the tool's schema, waits for a person. */
export function needsApproval(approval: Approval, args: Readonly<Record<string, unknown>>): boolean {
  if (approval.mode === 'when') return meetsCondition(approval.condition, args);
  return approval.mode === 'always';
}
