import { setTimeout as sleep } from 'node:timers/promises';
import { query } from '../../../entities/sql.ts';
import { composeText } from './compose-text.ts';
import type { Findings, RoundContext, Workload } from './round-context.ts';

const documentCount = 20;
// About 10 s with the local model on two cores; the rest is for a machine that is busy with other work.
const patienceMs = 300_000;
/** Twenty Markdown documents of a few chunks each, in one job, with real embeddings; each has a word of its own. */
export async function ingestWorkload(context: RoundContext): Promise<Workload> {
  const { random, round } = context;
  const { api, database } = context.stack;
  let inFlight = 0;
  let done = 0;

  async function states(ids: readonly string[]) {
    return database.asOperator((em) =>
      query<{ id: string; status: string; started: boolean; code: string | null }>(
        em,
        `select d.id, d.status, g.started_at is not null as started, d.error ->> 'code' as code
         from documents d join document_generations g on g.document_id = d.id and g.generation = d.latest_generation
         where d.id = any($1::uuid[])`,
        [ids],
      ),
    );
  }

  return {
    async run() {
      const accepted = await api.request<{ documents: Array<{ document_id: string }> }>(
        'POST',
        '/documents/batch',
        {
          documents: Array.from({ length: documentCount }, (_, n) => ({
            title: `Chaos ${round} ${n}`,
            document_type: 'markdown',
            path: `chaos/${round}/${n}.md`,
            is_global: true,
            text: composeText(random.fork(`document ${n}`), random.fork(`length ${n}`).between(30, 80), [
              marker(round, n),
            ]),
          })),
        },
        `batch-${round}`,
      );
      const ids = accepted.documents.map((document) => document.document_id);
      const findings: Findings = [];
      if (new Set(ids).size !== documentCount) findings.push(`${new Set(ids).size} documents of ${documentCount}`);
      const deadline = Date.now() + patienceMs;
      for (;;) {
        // The database itself may be what was hit.
        const rows = await states(ids).catch(() => null);
        if (rows) {
          const open = rows.filter((row) => row.status === 'accepted' || row.status === 'processing');
          inFlight = open.length;
          done = rows.length - open.length;
          if (open.length === 0 && rows.length === documentCount) {
            for (const row of rows)
              if (row.status !== 'ready')
                findings.push(`Document ${row.id} is ${row.status} (${row.code ?? 'no code'})`);
            break;
          }
        }
        if (Date.now() > deadline) {
          findings.push(`${inFlight} documents have not reached a terminal state within ${patienceMs} ms`);
          break;
        }
        await sleep(50);
      }
      inFlight = 0;
      findings.push(...(await findMarkers()));
      return findings;
    },
    inFlight: () => inFlight,
    progress: () => done / documentCount,
  };

  /** What was acknowledged is found, once. */
  async function findMarkers(): Promise<Findings> {
    const findings: Findings = [];
    for (const n of [0, documentCount >> 1, documentCount - 1]) {
      const { hits } = await api.request<{ hits: Array<{ title: string; document_id: string }> }>('POST', '/search', {
        query: marker(round, n),
        top_k: 3,
      });
      const own = hits.filter((hit) => hit.title === `Chaos ${round} ${n}`);
      const found = new Set(own.map((hit) => hit.document_id)).size;
      if (found !== 1) findings.push(`The marker of document ${n} is found in ${found} documents`);
    }
    return findings;
  }
}

function marker(round: string, n: number): string {
  return `marker${round.replace(/[^a-z0-9]/gi, '')}x${n}`;
}
