import { parseArgs } from 'node:util';
import { openClient } from '../open-client.ts';
import { exitCodeOf } from '../run-evaluation.ts';
import { judgeClaims } from './judge-claims.ts';
import { readScifactSet } from './scifact-set.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    judge: { type: 'string' },
    limit: { type: 'string', default: '50' },
    lanes: { type: 'string', default: '4' },
    url: { type: 'string' },
    'key-file': { type: 'string' },
  },
});
const [folder] = positionals;
if (folder === undefined || values.judge === undefined) {
  throw new Error('Name the folder and the model: node examples/scifact/run-scifact.ts FOLDER --judge MODEL');
}

const claims = await readScifactSet(folder, Number(values.limit));
const client = await openClient({ url: values.url, keyFile: values['key-file'] });
const { evaluation, agreement } = await judgeClaims(client, claims, values.judge, Number(values.lanes));
process.stdout.write(await client.text(`/evaluations/${evaluation.id}/report?format=markdown`));
const { cases, agreed, kappa, table } = agreement;
const lines = [
  `The judge agrees with the labels on ${agreed} of ${cases} claims; Cohen's kappa ${kappa?.toFixed(3) ?? 'undefined'}.`,
  `Supported: ${table.yesYes} taken as supported, ${table.yesNo} not. Contradicted: ${table.noNo} found, ${table.noYes} missed.`,
];
process.stdout.write(`\n${lines.join('\n')}\n`);
process.exitCode = exitCodeOf(evaluation);
