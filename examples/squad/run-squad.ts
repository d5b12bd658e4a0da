import { parseArgs } from 'node:util';
import { loadDocuments } from '../load-documents.ts';
import { openClient } from '../open-client.ts';
import { exitCodeOf, runEvaluation } from '../run-evaluation.ts';
import { squadRun } from './squad-run.ts';
import { readSquadSet } from './squad-set.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    limit: { type: 'string', default: '500' },
    url: { type: 'string' },
    'key-file': { type: 'string' },
  },
});
const [folder] = positionals;
if (folder === undefined) throw new Error('Name the folder of the data set: node examples/squad/run-squad.ts FOLDER');

const set = await readSquadSet(folder, Number(values.limit));
const client = await openClient({ url: values.url, keyFile: values['key-file'] });
await loadDocuments(client, 'squad', set.documents);
const evaluation = await runEvaluation(client, 'squad', set.cases, squadRun);
process.stdout.write(await client.text(`/evaluations/${evaluation.id}/report?format=markdown`));
process.exitCode = exitCodeOf(evaluation);
