import { Client, Connection, isGrpcServiceError } from '@temporalio/client';
import type { ClientPlugin } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { StartError } from './start-error.ts';

/** gRPC's status codes that an operator mends in different ways: not found, permission denied, unauthenticated. */
const [notFound, permissionDenied, unauthenticated] = [5, 7, 16] as const satisfies number[];

/** A process's connection to Temporal. */
export type TemporalClient = { client: Client; connection: Connection; namespace: string };

/**
 * Connects by Temporal's own settings: TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY, TEMPORAL_TLS_* and the
 * profiles of its configuration file, Temporal Cloud included. Later losses of the connection mend themselves.
 * @throws StartError when the server or the namespace cannot be reached, with the way out.
 */
export async function connectTemporal(plugins: ClientPlugin[]): Promise<TemporalClient> {
  const { connectionOptions, namespace = 'default' } = loadConfig();
  const address = connectionOptions.address ?? 'localhost:7233';
  let connection: Connection | undefined;
  try {
    connection = await Connection.connect({ ...connectionOptions, connectTimeout: '10 seconds' });
    await connection.workflowService.describeNamespace({ namespace });
  } catch (error) {
    await connection?.close();
    throw new StartError(explain(error, address, namespace));
  }
  return { client: new Client({ connection, namespace, plugins }), connection, namespace };
}

function loadConfig(): ReturnType<typeof loadClientConnectConfig> {
  try {
    return loadClientConnectConfig();
  } catch (error) {
    throw new StartError(`Temporal's settings (TEMPORAL_* or its configuration file) are not valid: ${textOf(error)}`);
  }
}

function explain(error: unknown, address: string, namespace: string): string {
  const code: number | undefined = isGrpcServiceError(error) ? error.code : undefined;
  if (code === notFound)
    return (
      `Temporal at ${address} has no namespace "${namespace}". Create it (temporal operator namespace create ` +
      `--namespace ${namespace}), or set TEMPORAL_NAMESPACE to one that exists.`
    );
  if (code === permissionDenied || code === unauthenticated)
    return (
      `Temporal at ${address} refused the credentials for namespace "${namespace}". Check TEMPORAL_API_KEY or ` +
      'TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH.'
    );
  return (
    `Temporal at ${address} cannot be reached: ${textOf(error)}. Start it, or set TEMPORAL_ADDRESS (and TEMPORAL_TLS_* ` +
    'or TEMPORAL_API_KEY, if the server demands them) to one that runs.'
  );
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
