import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { z } from 'zod';
import type { Document } from '../contracts/document.ts';
import type { KnowledgeSource, SourceSync, syncRequestedSchema } from '../contracts/knowledge-source.ts';
import { countOf } from '../contracts/names/count-of.ts';
import type { Page } from '../contracts/page.ts';
import { UsageError } from './cli-error.ts';
import type { Command, CommandContext } from './command.ts';
import { safeText } from './safe-text.ts';
import { findSource } from './sources.ts';

const pollMs = 500;
const failuresShown = 20;

/** `perdure sync`: brings a source up to date and shows how far it is. */
export const sync: Command = {
  name: 'sync',
  summary: 'Bring a knowledge source up to date, with live progress',
  usage: `Usage: perdure sync NAME [--allow-removals] [--check] [--json]

  --allow-removals   delete what the source holds no more, also when that is most of it
  --check            only look whether the source can be read
  --json             one object a line: the sync at each change

The exit code is 1 if the sync failed, or brought less than the source holds. Ctrl-C stops watching: the sync goes on. To
stop it: POST /knowledge-sources/ID/sync/cancel.`,
  async run(context) {
    const { values, positionals } = parseArgs({
      args: context.args,
      allowPositionals: true,
      options: {
        'allow-removals': { type: 'boolean', default: false },
        check: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
      },
    });
    const [name] = positionals;
    if (name === undefined || positionals.length > 1) throw new UsageError('Name one source; see "perdure sources".');
    const source = await findSource(context, name);
    if (values.check) return check(context, source, values.json);
    const body = { allow_removals: values['allow-removals'] };
    const options = { method: 'POST', body, idempotencyKey: randomUUID(), signal: context.signal } as const;
    const requested = await context.api.request<z.infer<typeof syncRequestedSchema>>(
      `/knowledge-sources/${source.id}/sync`,
      options,
    );
    if (!requested.started) context.terminal.note('A sync was under way already; this is that one.');
    return follow(context, source, { id: requested.sync.id, json: values.json });
  },
};

async function check(
  { api, signal, terminal }: CommandContext,
  source: KnowledgeSource,
  json: boolean,
): Promise<number> {
  const result = await api.request<{ ok: boolean; code: string | null; detail: string }>(
    `/knowledge-sources/${source.id}/check`,
    { method: 'POST', body: {}, signal },
  );
  if (json) terminal.json(result);
  else
    terminal.line(
      `${terminal.style(result.ok ? 'green' : 'red', result.ok ? 'ok' : String(result.code))}  ${safeText(result.detail)}`,
    );
  return result.ok ? 0 : 1;
}

async function follow(
  context: CommandContext,
  source: KnowledgeSource,
  { id, json }: { id: string; json: boolean },
): Promise<number> {
  const { api, signal, terminal } = context;
  let shown = '';
  let told = '';
  for (;;) {
    const now = await api.request<KnowledgeSource>(`/knowledge-sources/${source.id}`, { signal });
    // A later sync says that this one has ended.
    if (now.sync === null || now.sync.id !== id) return 0;
    const line = JSON.stringify([now.sync, now.documents]);
    if (line !== shown) {
      if (json) terminal.json({ ...now.sync, documents: now.documents });
      else {
        const trouble = now.sync.completed_at === null && now.sync.error ? now.sync.error : null;
        const text = trouble ? `${trouble.code}: ${safeText(trouble.detail)}` : '';
        if (text !== '' && text !== told)
          terminal.note(`${terminal.noteStyle('yellow', text)} It is tried again for about ten minutes.`);
        told = text;
        terminal.progress(progressLine(now));
      }
      shown = line;
    }
    if (now.sync.completed_at !== null) {
      terminal.done();
      if (!json) await summarise(context, now, now.sync);
      return now.sync.state === 'completed' && now.sync.error === null && now.documents.failed === 0 ? 0 : 1;
    }
    await delay(pollMs, undefined, { signal });
  }
}

function progressLine({ sync: now, documents }: KnowledgeSource): string {
  return `${now?.listed ?? 0} listed, ${now?.unchanged ?? 0} unchanged, ${now?.accepted ?? 0} new or changed, ${documents.in_work} being ingested …`;
}

async function summarise(
  { api, terminal, signal }: CommandContext,
  { id, documents }: KnowledgeSource,
  ended: SourceSync,
): Promise<void> {
  const style = ended.state === 'completed' ? (ended.error || documents.failed > 0 ? 'yellow' : 'green') : 'red';
  terminal.line(
    `${terminal.style(style, ended.state)}  ${ended.listed} listed, ${ended.unchanged} unchanged, ${ended.accepted} new or changed, ` +
      `${ended.removed} deleted, ${ended.failed} not fetched; ${documents.ready} of ${countOf(documents.total, 'document')} ready`,
  );
  if (ended.error) terminal.line(`${ended.error.code}: ${safeText(ended.error.detail)}`);
  if (documents.failed === 0) return;
  const { data } = await api.request<Page<Document>>(
    `/documents?status=failed&limit=${failuresShown}&knowledge_source=${id}`,
    { signal },
  );
  for (const { path, title, error } of data) {
    const reason = error ? `${error.code}: ${error.detail}` : 'without a reason';
    terminal.line(`${terminal.style('red', 'failed')}     ${safeText(path ?? title)}  ${safeText(reason)}`);
    if (error?.hint) terminal.line(`           ${terminal.style('dim', safeText(error.hint))}`);
  }
  const more = documents.failed - data.length;
  if (more > 0) terminal.note(`${more} more failed: GET /documents?status=failed&knowledge_source=${id}`);
}
