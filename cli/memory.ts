import { parseArgs } from 'node:util';
import type { z } from 'zod';
import type { Page } from '../contracts/page.ts';
import type {
  memorySettingsSchema,
  memoryVersionEntrySchema,
  memoryVersionSchema,
  userMemorySchema,
} from '../contracts/user-memory.ts';
import { UsageError } from './cli-error.ts';
import type { Command, CommandContext } from './command.ts';
import { safeText } from './safe-text.ts';

type VersionEntry = z.infer<typeof memoryVersionEntrySchema>;

const actions = ['show', 'versions', 'rollback', 'forget', 'settings'] as const;

/** `perdure memory`: what is remembered of users, and how it came to be. */
export const memory: Command = {
  name: 'memory',
  summary: 'Show what is remembered of a user; go back to a version; forget',
  usage: `Usage: perdure memory show USER [--version N] [--json]
       perdure memory versions USER [--json]
       perdure memory rollback USER [--version N] [--json]
       perdure memory forget USER
       perdure memory settings USER [--learn yes|no] [--recall yes|no] [--cap TOKENS|none] [--json]

  --version N   the version to show, or to go back to (the one before the present one)
  --learn       whether conversations teach anything about the user
  --recall      whether prompts carry what is remembered
  --cap         tokens that the memory may have; none leaves it to the server's setting
  --json        as the API shows it

Examples:
  perdure memory versions ada                    how it came to be
  perdure memory rollback ada --version 3        a new version with the text of the third
  perdure memory settings ada --learn no         teach nothing more`,
  async run(context) {
    const { values, positionals } = parseArgs({
      args: context.args,
      allowPositionals: true,
      options: {
        version: { type: 'string' },
        learn: { type: 'string' },
        recall: { type: 'string' },
        cap: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    });
    const [action, user, ...more] = positionals;
    if (!actions.some((name) => name === action) || user === undefined || more.length > 0)
      throw new UsageError(`Say one of ${actions.join(', ')}, and the id of one user.`);
    const path = `/users/${encodeURIComponent(user)}/memory`;
    const version = readNumber(values.version, '--version');
    if (action === 'show') return show(context, path, version, values.json);
    if (action === 'versions') return listVersions(context, path, values.json);
    if (action === 'rollback') return rollback(context, path, version, values.json);
    if (action === 'settings') return choose(context, path, values);
    await context.api.request(path, { method: 'DELETE', signal: context.signal });
    context.terminal.line(`Nothing is remembered of ${safeText(user)} any more.`);
    return 0;
  },
};

async function show(
  { api, terminal, signal }: CommandContext,
  path: string,
  version: number | undefined,
  json: boolean,
): Promise<number> {
  type Shown = z.infer<typeof userMemorySchema> | z.infer<typeof memoryVersionSchema>;
  const found = await api.request<Shown>(version === undefined ? path : `${path}/versions/${version}`, { signal });
  if (json) {
    terminal.json(found);
    return 0;
  }
  const cap = 'cap_tokens' in found ? ` of ${found.cap_tokens}` : '';
  terminal.line(terminal.style('dim', `version ${found.version}, ${found.origin}, ${found.tokens}${cap} tokens`));
  for (const line of found.memory.split('\n')) terminal.line(safeText(line));
  return 0;
}

async function listVersions({ api, terminal, signal }: CommandContext, path: string, json: boolean): Promise<number> {
  let cursor: string | null = null;
  do {
    const after: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const page: Page<VersionEntry> = await api.request(`${path}/versions?limit=200${after}`, { signal });
    for (const entry of page.data) {
      if (json) terminal.json(entry);
      else terminal.line(`${String(entry.version).padStart(5)}  ${entry.created_at}  ${describe(entry)}`);
    }
    cursor = page.next_cursor;
  } while (cursor !== null);
  return 0;
}

async function rollback(
  { api, terminal, signal }: CommandContext,
  path: string,
  version: number | undefined,
  json: boolean,
): Promise<number> {
  const body = version === undefined ? {} : { version };
  const made = await api.request<z.infer<typeof memoryVersionSchema>>(`${path}/rollback`, {
    method: 'POST',
    body,
    signal,
  });
  if (json) terminal.json(made);
  else terminal.line(`version ${made.version} has the text of version ${String(made.detail['restored'])}`);
  return 0;
}

async function choose(
  { api, terminal, signal }: CommandContext,
  path: string,
  given: { learn?: string | undefined; recall?: string | undefined; cap?: string | undefined; json: boolean },
): Promise<number> {
  type Settings = z.infer<typeof memorySettingsSchema>;
  const changes = {
    ...(given.learn !== undefined && { learn: readFlag(given.learn, '--learn') }),
    ...(given.recall !== undefined && { recall: readFlag(given.recall, '--recall') }),
    ...(given.cap !== undefined && { cap_tokens: given.cap === 'none' ? null : readNumber(given.cap, '--cap') }),
  };
  let settings = await api.request<Settings>(`${path}/settings`, { signal });
  if (Object.keys(changes).length > 0)
    settings = await api.request<Settings>(`${path}/settings`, {
      method: 'PUT',
      body: { ...settings, ...changes },
      signal,
    });
  const { learn, recall, cap_tokens: cap } = settings;
  if (given.json) terminal.json(settings);
  else terminal.line(`learn ${learn ? 'yes' : 'no'}, recall ${recall ? 'yes' : 'no'}, cap ${cap ?? 'none'}`);
  return 0;
}

function describe({ origin, tokens, detail }: VersionEntry): string {
  const count = (name: string) => (Array.isArray(detail[name]) ? detail[name].length : 0);
  const notes = [
    ...(count('added') > 0 ? [`${count('added')} added`] : []),
    ...(count('superseded') > 0 ? [`${count('superseded')} superseded`] : []),
    ...(typeof detail['lines_cut'] === 'number' ? [`lines cut: ${detail['lines_cut']}`] : []),
    ...(typeof detail['restored'] === 'number' ? [`back to ${detail['restored']}`] : []),
  ];
  return [`${origin.padEnd(11)} ${tokens} tokens`, ...notes].join(', ');
}

function readNumber(text: string | undefined, option: string): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new UsageError(`${option} must be a whole number from 1.`);
  return Number(text);
}

function readFlag(text: string, option: string): boolean {
  if (text !== 'yes' && text !== 'no') throw new UsageError(`${option} must be yes or no.`);
  return text === 'yes';
}
