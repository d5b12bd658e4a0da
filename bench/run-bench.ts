import { readBenchOptions } from './harness/bench-options.ts';
import type { BenchOptions } from './harness/bench-options.ts';
import { describeMachine } from './harness/describe-machine.ts';
import { renderTable } from './harness/render-table.ts';
import { Results } from './harness/results.ts';

/** What a bench module offers: it records its metrics, and ends within eight minutes. */
interface Bench {
  run(results: Results, options: BenchOptions): Promise<void>;
}

const benches: Record<string, () => Promise<Bench>> = {
  turn: async () => ({ run: (await import('./turn/bench-turn.ts')).benchTurn }),
  conversation: async () => ({ run: (await import('./conversation/bench-conversation.ts')).benchConversation }),
  evaluate: async () => ({ run: (await import('./evaluate/bench-evaluate.ts')).benchEvaluate }),
  exact: async () => ({ run: (await import('./exact/bench-exact.ts')).benchExact }),
  files: async () => ({ run: (await import('./files/bench-files.ts')).benchFiles }),
  ingest: async () => ({ run: (await import('./ingest/bench-ingest.ts')).benchIngest }),
  lexical: async () => ({ run: (await import('./lexical/bench-lexical.ts')).benchLexical }),
  maintenance: async () => ({ run: (await import('./maintenance/bench-maintenance.ts')).benchMaintenance }),
  retrieval: async () => ({ run: (await import('./retrieval/bench-retrieval.ts')).benchRetrieval }),
  search: async () => ({ run: (await import('./search/bench-search.ts')).benchSearch }),
  start: async () => ({ run: (await import('./start/bench-start.ts')).benchStart }),
};

/** `npm run bench -- NAME [options] [--json]`: a table, or with --json one object on the last line. */
async function main(): Promise<void> {
  const { name, options } = readBenchOptions(process.argv.slice(2));
  const load = benches[name];
  if (load === undefined) {
    throw new Error(`Usage: npm run bench -- NAME [--json], where NAME is one of ${Object.keys(benches).join(', ')}.`);
  }
  const machine = describeMachine();
  const results = new Results();
  await (await load()).run(results, options);
  console.log(`${name} on ${machine}\n`);
  console.log(renderTable(results.list()));
  for (const note of results.notes) console.log(`\n${note}`);
  if (options.json) console.log(JSON.stringify({ bench: name, metrics: results.metrics() }));
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error instanceof Error ? (error.stack ?? error.message) : error);
    process.exit(1);
  },
);
