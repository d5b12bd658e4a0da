import { parseArgs } from 'node:util';
import type { KnowledgeSource } from '../contracts/knowledge-source.ts';
import { countOf } from '../contracts/names/count-of.ts';
import type { Page } from '../contracts/page.ts';
import { addSource } from './add-source.ts';
import { CliError, UsageError } from './cli-error.ts';
import type { Command, CommandContext } from './command.ts';
import { ownName } from './own-name.ts';
import { safeText } from './safe-text.ts';

/** `perdure sources`: where documents come from, and how each source is. */
export const sources: Command = {
  name: 'sources',
  summary: 'List the knowledge sources with their status, or add one',
  usage: `Usage: perdure sources [--json]
       perdure sources add NAME [--type TYPE] [--config JSON] [--credentials FILE] [--language CODE] [--json]

  --type TYPE         upload (the default: documents are sent to it), file (a folder of the server), web, api, database or
                      vector_store
  --config JSON       what the type needs, or a file with it: file takes {"path": "/srv/handbook"}, web takes
                      {"start": ["https://docs.example.org/"]}; /docs of the API describes all
  --credentials FILE  its content is sealed: the address of a database, or header lines
  --language CODE     ISO 639-1 code of its documents (default: detected for each)
  --json              one object a line, as the API shows it

A source that was added is brought up to date by "perdure sync NAME"; files go to one of type upload by
"perdure ingest PATH --source NAME".`,
  async run(context) {
    const { values, positionals } = parseArgs({
      args: context.args,
      allowPositionals: true,
      options: {
        type: { type: 'string', default: 'upload' },
        config: { type: 'string' },
        credentials: { type: 'string' },
        language: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    });
    const { terminal } = context;
    const [action, name, ...more] = positionals;
    if (action !== undefined) {
      if (action !== 'add' || name === undefined || more.length > 0) throw new UsageError('Say "add" and one name.');
      const { type, config, credentials, language } = values;
      const added = await addSource(context, { name, type, config, credentials, language });
      if (values.json) terminal.json(added);
      else for (const line of sourceLines(context, added)) terminal.line(line);
      return 0;
    }
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
  const command = `${ownName(context.env)} sources add ${/^[\w-]+$/.test(nameOrId) ? nameOrId : JSON.stringify(nameOrId)}`;
  throw new CliError(`There is no source "${nameOrId}". There are: ${names || 'none'}. To make it: ${command}`);
}

const colours = { ready: 'green', syncing: 'cyan', degraded: 'yellow', failed: 'red', paused: 'dim' } as const;

function sourceLines({ terminal }: CommandContext, source: KnowledgeSource): string[] {
  const { documents, sync } = source;
  const counts = [
    `${documents.ready} of ${countOf(documents.total, 'document')} ready`,
    ...(documents.in_work > 0 ? [`${documents.in_work} in work`] : []),
    ...(documents.failed > 0 ? [`${documents.failed} failed`] : []),
  ].join(', ');
  const status = terminal.style(colours[source.status], source.status.padEnd(8));
  const lines = [`${status} ${safeText(source.name)} (${source.type})  ${counts}`];
  if (sync?.error)
    lines.push(`         ${terminal.style('yellow', `${sync.error.code}: ${safeText(sync.error.detail)}`)}`);
  return lines;
}
