import { parseArgs } from 'node:util';
import { webhookEvents } from '../contracts/names/webhook-events.ts';
import type { Page } from '../contracts/page.ts';
import type { Webhook, WebhookDelivery } from '../contracts/webhook.ts';
import { UsageError } from './cli-error.ts';
import type { Command, CommandContext } from './command.ts';
import { safeText } from './safe-text.ts';

/** `perdure webhooks`: who is told of events, and what became of the messages. */
export const webhooks: Command = {
  name: 'webhooks',
  summary: 'List, add, test and delete webhooks; list dead letters and send them again',
  usage: `Usage: perdure webhooks [--json]
       perdure webhooks add URL --event EVENT [--event EVENT …]
       perdure webhooks test|rotate|enable|disable|delete WEBHOOK
       perdure webhooks deliveries [--state STATE] [--webhook WEBHOOK] [--json]
       perdure webhooks redeliver DELIVERY [DELIVERY …] | --dead

  --event EVENT     ${webhookEvents.slice(0, 5).join(', ')},
                    ${webhookEvents.slice(5).join(', ')}; or all
  --state STATE     pending, delivered or dead
  --dead            all dead letters
  --json            one object a line, as the API shows it

rotate makes a new secret, and add the first one; they are shown once.

Examples:
  perdure webhooks add https://example.com/hook --event job.failed --event budget.exceeded
  perdure webhooks deliveries --state dead       what nobody took
  perdure webhooks redeliver --dead`,
  async run(context) {
    const { values, positionals } = parseArgs({
      args: context.args,
      allowPositionals: true,
      options: {
        event: { type: 'string', multiple: true, default: [] },
        state: { type: 'string' },
        webhook: { type: 'string' },
        dead: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
      },
    });
    const [action = 'list', ...ids] = positionals;
    if (action === 'list' && ids.length === 0) return list(context, values.json);
    if (action === 'deliveries' && ids.length === 0) return listDeliveries(context, values);
    if (action === 'redeliver') return redeliver(context, ids, values.dead);
    const [target, ...more] = ids;
    if (target === undefined || more.length > 0) throw new UsageError(`Say one webhook, or one address, to ${action}.`);
    if (action === 'add') return add(context, target, values.event);
    return change(context, action, `/webhooks/${encodeURIComponent(target)}`);
  },
};

async function list({ api, terminal, signal }: CommandContext, json: boolean): Promise<number> {
  let found = 0;
  for await (const webhook of everyItem<Webhook>({ api, signal }, '/webhooks?limit=200')) {
    found += 1;
    if (json) {
      terminal.json(webhook);
      continue;
    }
    const state = webhook.is_enabled ? (webhook.failing_since === null ? 'enabled' : 'failing') : 'disabled';
    const colour = state === 'enabled' ? 'green' : state === 'failing' ? 'yellow' : 'red';
    terminal.line(`${webhook.id}  ${terminal.style(colour, state.padEnd(8))} ${safeText(webhook.url)}`);
    const since = webhook.failing_since === null ? '' : `, failing since ${webhook.failing_since}`;
    terminal.line(`    ${terminal.style('dim', `${webhook.events.join(', ')}${since}`)}`);
  }
  if (found === 0 && !json) terminal.note('There are no webhooks.');
  return 0;
}

async function add({ api, terminal, signal }: CommandContext, url: string, events: string[]): Promise<number> {
  if (events.length === 0) throw new UsageError('Say of what it is to be told by --event.');
  const body = { url, events: events.includes('all') ? webhookEvents : events };
  const made = await api.request<Webhook & { secret: string }>('/webhooks', { method: 'POST', body, signal });
  terminal.line(`${made.id}  ${made.secret}`);
  terminal.note('The secret is shown this once. Receivers check messages with it.');
  return 0;
}

async function change({ api, terminal, signal }: CommandContext, action: string, path: string): Promise<number> {
  if (action === 'delete') {
    await api.request(path, { method: 'DELETE', signal });
    terminal.line('deleted');
  } else if (action === 'test') {
    const { id, state } = await api.request<WebhookDelivery>(`${path}/test`, { method: 'POST', signal });
    terminal.line(`${id}  ${state}`);
  } else if (action === 'enable' || action === 'disable') {
    const body = { is_enabled: action === 'enable' };
    await api.request(path, { method: 'PATCH', body, signal });
    terminal.line(`${action}d`);
  } else if (action === 'rotate') {
    const body = { rotate_secret: true };
    const { secret } = await api.request<{ secret: string }>(path, { method: 'PATCH', body, signal });
    terminal.line(secret);
    terminal.note('The secret is shown this once. For a day messages are signed with the one before, too.');
  } else throw new UsageError(`There is no "perdure webhooks ${action}".`);
  return 0;
}

async function listDeliveries(
  { api, terminal, signal }: CommandContext,
  { state, webhook, json }: { state?: string | undefined; webhook?: string | undefined; json: boolean },
): Promise<number> {
  const search = new URLSearchParams({ limit: '200', ...(state && { state }), ...(webhook && { webhook }) });
  let found = 0;
  for await (const delivery of everyItem<WebhookDelivery>(
    { api, signal },
    `/webhook-deliveries?${search.toString()}`,
  )) {
    found += 1;
    if (json) terminal.json(delivery);
    else for (const line of linesOf(terminal, delivery)) terminal.line(line);
  }
  if (found === 0 && !json) terminal.note('There are no such deliveries.');
  return 0;
}

function linesOf(terminal: CommandContext['terminal'], delivery: WebhookDelivery): string[] {
  const { id, state, event, url, attempts, last_error: error } = delivery;
  const colour = state === 'delivered' ? 'green' : state === 'dead' ? 'red' : 'yellow';
  const first = `${id}  ${terminal.style(colour, state.padEnd(9))} ${event}  ${safeText(url)}  (${attempts} sent)`;
  return error === null ? [first] : [first, `    ${terminal.style('dim', safeText(error.detail))}`];
}

async function redeliver(context: CommandContext, named: string[], dead: boolean): Promise<number> {
  const { api, terminal, signal } = context;
  if (dead !== (named.length === 0)) throw new UsageError('Say which deliveries, or --dead for all dead letters.');
  const ids = [...named];
  if (dead)
    for await (const { id } of everyItem<WebhookDelivery>(context, '/webhook-deliveries?limit=200&state=dead'))
      ids.push(id);
  for (const id of ids)
    await api.request(`/webhook-deliveries/${encodeURIComponent(id)}/redeliver`, { method: 'POST', signal });
  terminal.line(`${ids.length} sent again`);
  return 0;
}

/** Every item of a list, page by page; `path` has a query already. */
async function* everyItem<Item>(
  { api, signal }: Pick<CommandContext, 'api' | 'signal'>,
  path: string,
): AsyncGenerator<Item> {
  let cursor: string | null = null;
  do {
    const after: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const page: Page<Item> = await api.request(`${path}${after}`, { signal });
    yield* page.data;
    cursor = page.next_cursor;
  } while (cursor !== null);
}
