import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';

// Usage: TEMPORAL_ADDRESS=… node tests/histories/record-histories.ts RELEASE WORKFLOW_ID=NAME …
// Writes recorded/RELEASE-NAME.json for each; refuses to replace a history that is there.
const [release, ...wanted] = process.argv.slice(2);
if (release === undefined || wanted.length === 0) throw new Error('Give a release and WORKFLOW_ID=NAME pairs.');
const folder = path.join(import.meta.dirname, 'recorded');
await mkdir(folder, { recursive: true });
const connection = await Connection.connect({ address: process.env.TEMPORAL_ADDRESS ?? 'localhost:7233' });
const client = new Client({ connection });
for (const pair of wanted) {
  const [workflowId = '', name = ''] = pair.split('=');
  const history = await client.workflow.getHandle(workflowId).fetchHistory();
  const file = path.join(folder, `${release}-${name}.json`);
  // The identity of a worker is its machine's name: no business of the repository.
  const json = JSON.stringify(historyToJSON(history), (key, value: unknown) => (key === 'identity' ? 'worker' : value), 1);
  await writeFile(file, `${json}\n`, { flag: 'wx' });
  process.stdout.write(`${file}\n`);
}
await connection.close();
