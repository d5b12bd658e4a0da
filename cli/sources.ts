import { parseArgs } from 'node:util';
import type { KnowledgeSource } from '../contracts/knowledge-source.ts';
import type { Page } from '../contracts/page.ts';
import { CliError } from './cli-error.ts';
import type { Command, CommandContext } from './command.ts';
import { safeText } from './safe-text.ts';

/** `perdure sources`: where documents come from, and how each source is. */
export const sources: Command = {
  name: 'sources',
  summary: 'List the knowledge sources with their status',
  usage: `Usage: perdure sources [--json]

  --json   one object a line, as the API shows it`,
  async run(context) {
    const { values } = parseArgs({ args: context.args, options: { json: { type: 'boolean', default: false } } });
    const { terminal } = context;
    for (const source of await readSources(context)) {
      if (values.json) terminal.json(source);
      else for (const line of sourceLines(context, source)) terminal.line(line);
    }
    return 0;
  },
};

/** All sources of the workspace. */
export async function readSources({ api, signal }: CommandContext): Promise<KnowledgeSource[]> {
  const found: KnowledgeSource[] = [];
  let cursor: string | null = null;
  do {
    const query: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const page: Page<KnowledgeSource> = await api.request(`/knowledge-sources?limit=200${query}`, { signal });
    found.push(...page.data);
    cursor = page.next_cursor;
  } while (cursor !== null);
  return found;
}

/** The source of that name or id. @throws CliError that names those there are. */
export async function findSource(context: CommandContext, nameOrId: string): Promise<KnowledgeSource> {
  const all = await readSources(context);
  const found = all.find(({ id }) => id === nameOrId) ?? all.find(({ name }) => name === nameOrId);
  if (found) return found;
  const names = all.map(({ name }) => name).join(', ');
  throw new CliError(`There is no source "${nameOrId}". There are: ${names || 'none'}.`);
}

const colours = { ready: 'green', syncing: 'cyan', degraded: 'yellow', failed: 'red', paused: 'dim' } as const;

function sourceLines({ terminal }: CommandContext, source: KnowledgeSource): string[] {
  const { documents, sync } = source;
  const counts = [
    `${documents.ready} of ${documents.total} documents ready`,
    ...(documents.in_work > 0 ? [`${documents.in_work} in work`] : []),
    ...(documents.failed > 0 ? [`${documents.failed} failed`] : []),
  ].join(', ');
  const status = terminal.style(colours[source.status], source.status.padEnd(8));
  const lines = [`${status} ${safeText(source.name)} (${source.type})  ${counts}`];
  if (sync?.error)
    lines.push(`         ${terminal.style('yellow', `${sync.error.code}: ${safeText(sync.error.detail)}`)}`);
  return lines;
}
