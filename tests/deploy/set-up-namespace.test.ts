import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { searchAttributeNames } from '../../contracts/names/search-attributes.ts';
import { testServers } from '../support/servers/test-servers.ts';

const script = path.resolve(import.meta.dirname, '../../deploy/temporal/set-up-namespace.sh');
const namespace = `deploy-${process.pid}-${Date.now()}`;
let bin: string;

beforeAll(async () => {
  bin = await mkdtemp(path.join(tmpdir(), 'perdure-deploy-'));
  const { temporalExecutable } = testServers();
  // A Temporal of the user's own is found on PATH as it is.
  if (path.isAbsolute(temporalExecutable)) await symlink(temporalExecutable, path.join(bin, 'temporal'));
});
afterAll(() => rm(bin, { recursive: true }));

function setUp(): Promise<unknown> {
  const env = {
    ...process.env,
    PATH: `${bin}:${process.env.PATH}`,
    TEMPORAL_ADDRESS: testServers().temporalAddress,
    TEMPORAL_NAMESPACE: namespace,
  };
  return promisify(execFile)('sh', [script], { env });
}

test('the namespace keeps 30 days and has the search attributes, and a second run changes nothing', async () => {
  await setUp();
  await setUp();
  const connection = await Connection.connect({ address: testServers().temporalAddress });
  try {
    const { config } = await connection.workflowService.describeNamespace({ namespace });
    expect(Number(config?.workflowExecutionRetentionTtl?.seconds)).toBe(30 * 24 * 3600);
    const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
    expect(Object.keys(customAttributes)).toEqual(expect.arrayContaining([...searchAttributeNames]));
  } finally {
    await connection.close();
  }
}, 90_000);
