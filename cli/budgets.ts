import { parseArgs } from 'node:util';
import type { Budget } from '../contracts/budget.ts';
import { UsageError } from './cli-error.ts';
import type { Command, CommandContext } from './command.ts';
import { safeText } from './safe-text.ts';

/** `perdure budgets`: what a month may cost, and what it has cost so far. */
export const budgets: Command = {
  name: 'budgets',
  summary: 'Show what a month may cost and has cost; set and delete budgets',
  usage: `Usage: perdure budgets [--json]
       perdure budgets set NAME AMOUNT [--currency CODE] [--agent AGENT] [--user USER] [--time-zone ZONE] [--refuse]
       perdure budgets delete NAME

  --currency CODE   as in the pricing of models; USD unless given
  --agent AGENT     count the turns of this agent alone, by name or id
  --user USER       count the turns of this user alone
  --time-zone ZONE  in which months begin; UTC unless given
  --refuse          make no call of a model that may cost more than is left, and let no turn begin once it is used up;
                    without it webhooks are told and that is all
  --json            one object a line, as the API shows it

Examples:
  perdure budgets set month 500 --refuse             the whole workspace may cost 500 USD a month, and no more
  perdure budgets set ada 20 --user ada              tell webhooks at 16 and at 20 USD of Ada's turns
  perdure budgets set support 90 --agent support --currency EUR --time-zone Europe/Zurich`,
  async run(context) {
    const { values, positionals } = parseArgs({
      args: context.args,
      allowPositionals: true,
      options: {
        currency: { type: 'string' },
        agent: { type: 'string' },
        user: { type: 'string' },
        'time-zone': { type: 'string' },
        refuse: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
      },
    });
    const { api, terminal, signal } = context;
    const [action, name, amount, ...more] = positionals;
    if (action === undefined) return list(context, values.json);
    if (name === undefined || more.length > 0) throw new UsageError('Say the name of one budget.');
    const path = `/budgets/${encodeURIComponent(name)}`;
    if (action === 'delete' && amount === undefined) {
      await api.request(path, { method: 'DELETE', signal });
      terminal.line('deleted');
      return 0;
    }
    if (action !== 'set' || !(Number(amount) > 0)) throw new UsageError('Say "set NAME AMOUNT" or "delete NAME".');
    const body = {
      amount: Number(amount),
      ...(values.currency !== undefined && { currency: values.currency }),
      ...(values.agent !== undefined && { agent: values.agent }),
      ...(values.user !== undefined && { user: values.user }),
      ...(values['time-zone'] !== undefined && { time_zone: values['time-zone'] }),
      on_exceeded: values.refuse ? 'refuse' : 'notify',
    };
    const budget = await api.request<Budget>(path, { method: 'PUT', body, signal });
    show(terminal, budget, values.json);
    return 0;
  },
};

async function list({ api, terminal, signal }: CommandContext, json: boolean): Promise<number> {
  const { data } = await api.request<{ data: Budget[] }>('/budgets', { signal });
  for (const budget of data) show(terminal, budget, json);
  if (data.length === 0 && !json) terminal.note('There are no budgets.');
  return 0;
}

function show(terminal: CommandContext['terminal'], budget: Budget, json: boolean): void {
  if (json) return terminal.json(budget);
  terminal.line(lineOf(terminal, budget));
  for (const { detail } of budget.warnings) terminal.note(`${safeText(budget.name)}: ${safeText(detail)}`);
}

function lineOf(terminal: CommandContext['terminal'], budget: Budget): string {
  const { name, amount, currency, spent, agent_id: agent, user, on_exceeded: then } = budget;
  const percent = Math.floor((100 * Number(spent)) / Number(amount));
  const colour = budget.exceeded_at !== null ? 'red' : budget.warned_at !== null ? 'yellow' : 'green';
  const scope = [agent === null ? [] : [`agent ${agent}`], user === null ? [] : [`user ${safeText(user)}`]].flat();
  const held = Number(budget.held) === 0 ? '' : `, ${budget.held} held back`;
  const unknown = budget.unknown_calls === 0 ? '' : `, ${budget.unknown_calls} calls of unknown cost`;
  return (
    `${safeText(name).padEnd(20)} ${terminal.style(colour, `${spent} of ${amount} ${currency} (${percent} %)`)}  ` +
    `${scope.join(', ') || 'whole workspace'}, ${then}${held}${unknown}`
  );
}
