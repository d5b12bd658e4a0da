import { parseArgs } from 'node:util';
import type { Approval } from '../contracts/approval.ts';
import type { Page } from '../contracts/page.ts';
import type { ToolCall } from '../contracts/tool-call.ts';
import { UsageError } from './cli-error.ts';
import type { Command, CommandContext } from './command.ts';
import { safeText } from './safe-text.ts';

/** `perdure approvals`: what waits for a person, and the decisions about it. */
export const approvals: Command = {
  name: 'approvals',
  summary: 'List what waits for approval; approve or deny it',
  usage: `Usage: perdure approvals [--state STATE] [--json]
       perdure approvals approve CALL [--arguments JSON] [--comment TEXT]
       perdure approvals deny CALL [--comment TEXT]

  --state STATE      waiting (the default), approved, denied, expired or cancelled
  --arguments JSON   run the call with these in place of what the model wrote
  --comment TEXT     kept with the decision; the model reads that of a denial
  --json             one object a line, as the API shows it`,
  async run(context) {
    const { values, positionals } = parseArgs({
      args: context.args,
      allowPositionals: true,
      options: {
        state: { type: 'string', default: 'waiting' },
        arguments: { type: 'string' },
        comment: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    });
    const [decision, callId, ...more] = positionals;
    if (decision === undefined) return list(context, values);
    if ((decision !== 'approve' && decision !== 'deny') || callId === undefined || more.length > 0)
      throw new UsageError('Say "approve" or "deny", and the id of one call.');
    const call = await decideCall(context, {
      callId,
      decision,
      comment: values.comment,
      given: readJson(values.arguments),
    });
    if (values.json) context.terminal.json(call);
    else context.terminal.line(`${call.approval?.state ?? call.state}  ${describeCall(call)}`);
    return 0;
  },
};

/** Decides about a call as it stands now. @throws ApiError when it was decided otherwise, or waits no longer. */
export async function decideCall(
  { api, signal }: Pick<CommandContext, 'api' | 'signal'>,
  decision: {
    callId: string;
    decision: 'approve' | 'deny';
    comment?: string | undefined;
    given?: unknown;
    /** Of the arguments that were shown; asked for when left out. */
    argumentsHash?: string;
  },
): Promise<ToolCall> {
  const path = `/tool-calls/${encodeURIComponent(decision.callId)}`;
  const hash = decision.argumentsHash ?? (await api.request<ToolCall>(path, { signal })).arguments_hash;
  const body = {
    arguments_hash: hash,
    ...(decision.comment !== undefined && { comment: decision.comment }),
    ...(decision.given !== undefined && { arguments: decision.given }),
  };
  return api.request<ToolCall>(`${path}/${decision.decision}`, { method: 'POST', body, signal });
}

async function list(
  { api, terminal, signal }: CommandContext,
  { state, json }: { state: string; json: boolean },
): Promise<number> {
  let cursor: string | null = null;
  let found = 0;
  do {
    const after: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const query = `/approvals?limit=200&state=${encodeURIComponent(state)}${after}`;
    const page: Page<Approval> = await api.request(query, { signal });
    for (const approval of page.data) {
      if (json) terminal.json(approval);
      else for (const line of linesOf(terminal, approval)) terminal.line(line);
    }
    found += page.data.length;
    cursor = page.next_cursor;
  } while (cursor !== null);
  if (found === 0 && !json) terminal.note(state === 'waiting' ? 'Nothing waits for approval.' : `Nothing is ${state}.`);
  return 0;
}

function linesOf(terminal: CommandContext['terminal'], approval: Approval): string[] {
  const { tool_call: call, state, user, expires_at: expires, decided_by: by, comment } = approval;
  const colour = state === 'waiting' ? 'yellow' : state === 'approved' ? 'green' : 'red';
  const decided = by === null ? '' : `, by ${safeText(by)}${comment ? `: ${safeText(comment)}` : ''}`;
  const time = state === 'waiting' ? `until ${expires}` : (approval.decided_at ?? '');
  return [
    `${call.id}  ${terminal.style(colour, state.padEnd(9))} ${describeCall(call)}`,
    `    ${terminal.style('dim', `for ${safeText(user)}, ${time}${decided}`)}`,
  ];
}

function describeCall({ tool, arguments: given }: ToolCall): string {
  return `${safeText(tool.name)}(${safeText(JSON.stringify(given ?? {}))})`;
}

function readJson(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new UsageError(`--arguments is no JSON: ${(error as Error).message}`);
  }
}
