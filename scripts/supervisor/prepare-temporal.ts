import { setTimeout as delay } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { prepareNamespace } from '../../platform/embedded/prepare-namespace.ts';
import { runScript, SetupFailure } from '../setup/setup-failure.mjs';

const patienceMs = 15_000;

/** Waits for the Temporal server that the environment names, and prepares its namespace; `--owned` lets it set retention. */
async function main(): Promise<void> {
  const owned = process.argv.includes('--owned');
  const { connectionOptions, namespace = 'default' } = loadClientConnectConfig();
  const connection = await connectPatiently(connectionOptions);
  try {
    await prepareNamespace({ connection, namespace, owned, log: (line) => console.log(line) });
  } catch (error) {
    throw new SetupFailure(
      `Temporal at ${connectionOptions.address} answers, but its namespace "${namespace}" cannot be used: ` +
        `${describe(error)}. Create it (temporal operator namespace create --namespace ${namespace} --retention 30d), or ` +
        'set TEMPORAL_NAMESPACE, TEMPORAL_API_KEY or the TEMPORAL_TLS settings to ones that may use it.',
      { cause: error },
    );
  } finally {
    await connection.close();
  }
}

async function connectPatiently(options: Parameters<typeof Connection.connect>[0] & object): Promise<Connection> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    try {
      return await Connection.connect({ ...options, connectTimeout: 3000 });
    } catch (error) {
      if (performance.now() > deadline) {
        throw new SetupFailure(
          `Temporal at ${options.address ?? '127.0.0.1:7233'} did not answer within ${patienceMs / 1000} s ` +
            `(${describe(error)}). Check TEMPORAL_ADDRESS and its TLS or API key settings and that the server runs, or ` +
            'unset TEMPORAL_ADDRESS to use the one that Perdure brings.',
          { cause: error },
        );
      }
      await delay(100);
    }
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

await runScript(main);
