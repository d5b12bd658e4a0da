import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { workflowInterceptorModules } from '../../platform/telemetry/workflow-interceptor-modules.ts';
import { listSandboxFiles, ownFiles, strayFiles } from '../../scripts/verify/sandbox-files.ts';

const root = path.resolve(import.meta.dirname, '../..');

describe('the workflow sandbox', () => {
  let files: string[];

  beforeAll(async () => {
    files = await listSandboxFiles(workflowInterceptorModules);
  }, 120_000);

  test('holds the workflows', () => {
    expect(ownFiles(files)).toContain('workflows/index.ts');
  });

  test('is reached by workflows/, domain/, contracts/names/ and a short list of packages alone', () => {
    expect(strayFiles(files)).toEqual([]);
  });

  // The bundler refuses Node built-ins, but accepts these two: they work once and break the replay.
  test('reads neither the environment nor the network', async () => {
    const offenders: string[] = [];
    for (const file of ownFiles(files)) {
      const text = await readFile(path.join(root, file), 'utf8');
      if (/\bprocess\s*\.|\bfetch\s*\(/.test(text)) offenders.push(file);
    }
    expect(offenders).toEqual([]);
  });

  test('a leak is seen: an entry that takes an error class by value brings its file along', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'perdure-sandbox-'));
    try {
      await symlink(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
      const entry = path.join(folder, 'index.ts');
      await writeFile(entry, `export { PerdureError } from '${path.join(root, 'contracts/errors.ts')}';\n`);
      expect(strayFiles(await listSandboxFiles([], entry))).toContain('contracts/errors.ts');
    } finally {
      await rm(folder, { recursive: true });
    }
  }, 120_000);
});
