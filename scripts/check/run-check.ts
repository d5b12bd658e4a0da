import { parseArgs } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { checkInvariants, invariants } from '../../activities/invariants/check-invariants.ts';
import { createDatabase } from '../../platform/database.ts';
import { createWorkflowStates } from '../../platform/workflow-states.ts';

// Reads DATABASE_URL and TEMPORAL_ADDRESS; exit code 1 on a breach, 2 when the check itself could not be done.
const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    grace: { type: 'string', default: '15' },
    offline: { type: 'boolean', default: false },
  },
});
const url = process.env.DATABASE_URL;
if (!url) {
  process.stderr.write('perdure check needs DATABASE_URL, or a stack that runs in PERDURE_HOME.\n');
  process.exit(2);
}
const database = createDatabase({ DATABASE_URL: url, PERDURE_DATABASE_POOL: 4 }, 'perdure-check');
try {
  const temporal = values.offline ? null : await connect();
  const breaches = await database.asOperator((em) =>
    checkInvariants({
      em,
      temporal: temporal && createWorkflowStates(temporal),
      graceSeconds: Number(values.grace),
    }),
  );
  if (values.json) process.stdout.write(`${JSON.stringify({ ok: breaches.length === 0, breaches })}\n`);
  else {
    for (const { number, name } of invariants) {
      const own = breaches.filter((breach) => breach.invariant === number);
      process.stdout.write(`${own.length === 0 ? 'ok    ' : 'BREACH'} ${number}. ${name}\n`);
      for (const breach of own) process.stdout.write(`         ${breach.entity} ${breach.id}: ${breach.detail}\n`);
    }
  }
  process.exitCode = breaches.length === 0 ? 0 : 1;
  await temporal?.connection.close();
} catch (error) {
  process.stderr.write(`The check could not be done: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
} finally {
  await database.close();
}

async function connect(): Promise<Client> {
  const { connectionOptions, namespace } = loadClientConnectConfig();
  return new Client({ connection: await Connection.connect(connectionOptions), namespace: namespace ?? 'default' });
}
