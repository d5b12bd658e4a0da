import type { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { searchAttributeNames } from '../../contracts/names/search-attributes.ts';

const retentionDays = 30;
const secondsPerDay = 86_400;
/** IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD of Temporal's protocol. */
const keywordType = 2;

/** A Temporal namespace, and whether Perdure may change its settings because it runs the server itself. */
export interface NamespaceOptions {
  connection: Connection;
  namespace: string;
  owned: boolean;
  log: (line: string) => void;
}

/**
 * Registers the search attributes that are missing, and keeps histories 30 days where the server is our own; elsewhere
 * it only says what an operator should change. May be run again at any time. Throws if the namespace does not exist.
 */
export async function prepareNamespace(options: NamespaceOptions): Promise<void> {
  await setRetention(options);
  await registerSearchAttributes(options);
}

async function setRetention({ connection, namespace, owned, log }: NamespaceOptions): Promise<void> {
  const { config } = await connection.workflowService.describeNamespace({ namespace });
  const days = Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0) / secondsPerDay;
  if (days >= retentionDays) return;
  if (!owned) {
    log(
      `Namespace ${namespace} keeps histories for ${days} days. Perdure's audit trail wants ${retentionDays}: ` +
        `temporal operator namespace update --namespace ${namespace} --retention ${retentionDays}d`,
    );
    return;
  }
  const workflowExecutionRetentionTtl = msToTs(retentionDays * secondsPerDay * 1000);
  await connection.workflowService.updateNamespace({ namespace, config: { workflowExecutionRetentionTtl } });
}

async function registerSearchAttributes({ connection, namespace, log }: NamespaceOptions): Promise<void> {
  const missing = await findMissing(connection, namespace);
  if (missing.length === 0) return;
  const searchAttributes = Object.fromEntries(missing.map((name) => [name, keywordType]));
  try {
    await connection.operatorService.addSearchAttributes({ namespace, searchAttributes });
  } catch {
    // A second replica that starts at the same time may have been faster.
    if ((await findMissing(connection, namespace)).length === 0) return;
    const commands = missing.map((name) => `--name ${name} --type Keyword`).join(' ');
    log(
      `Namespace ${namespace} lacks search attributes that Perdure sets on every workflow, and this login may not add ` +
        `them. Ask its operator to run: temporal operator search-attribute create --namespace ${namespace} ${commands}`,
    );
  }
}

async function findMissing(connection: Connection, namespace: string): Promise<readonly string[]> {
  try {
    const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
    return searchAttributeNames.filter((name) => customAttributes?.[name] === undefined);
  } catch {
    // Temporal Cloud has no operator service; its search attributes are made in its own console.
    return [];
  }
}
