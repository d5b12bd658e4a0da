import { mkdir, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import proto from '@temporalio/proto';

// Usage: TEMPORAL_ADDRESS=… node tests/histories/record-histories.ts RELEASE WORKFLOW_ID[#RUN_ID]=NAME …
// Writes recorded/RELEASE-NAME.json for each; refuses to replace a history that is there.
const { History } = proto.temporal.api.history.v1;
const [release, ...wanted] = process.argv.slice(2);
if (release === undefined || wanted.length === 0) throw new Error('Give a release and WORKFLOW_ID=NAME pairs.');
const folder = path.join(import.meta.dirname, 'recorded');
await mkdir(folder, { recursive: true });
const connection = await Connection.connect({ address: process.env.TEMPORAL_ADDRESS ?? 'localhost:7233' });
const client = new Client({ connection });
for (const pair of wanted) {
  const [run = '', name = ''] = pair.split('=');
  const [workflowId = '', runId] = run.split('#');
  const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
  const file = path.join(folder, `${release}-${name}.json`);
  const plain: unknown = History.toObject(History.fromObject(history), { longs: String, bytes: String, enums: String });
  // A machine's name (in identities and in the names of sticky queues) and its paths are no business of the repository.
  const withoutPaths = (key: string, value: unknown) => (key === 'stackTrace' ? '' : value);
  const json = JSON.stringify(plain, withoutPaths, 1).replaceAll(hostname(), 'machine');
  await writeFile(file, `${json}\n`, { flag: 'wx' });
  process.stdout.write(`${file}\n`);
}
await connection.close();
