import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { ApiClient } from '../../cli/api-client.ts';
import { findApiKey } from '../../cli/find-stack.ts';
import type { BenchOptions } from '../harness/bench-options.ts';
import { withBenchStack } from '../harness/bench-stack.ts';
import { progress } from '../harness/progress.ts';
import type { Results } from '../harness/results.ts';
import { compareWithExpectation } from './compare-with-expectation.ts';
import type { FileExpectation } from './compare-with-expectation.ts';
import { ingestFolder } from './ingest-folder.ts';
import { renderFiles } from './render-files.ts';

const defaultFolder = path.resolve(import.meta.dirname, '../../../shared/data/documents');

/**
 * Every file of a folder through the product as it comes: what it was found to be, its state, warnings and reason, its
 * characters and chunks. With `--check` each is compared with `expectation.json`, which knows files by their hash.
 * Throws with all differences when one is not as expected.
 */
export async function benchFiles(results: Results, options: BenchOptions): Promise<void> {
  const expectation = await readExpectation();
  await withBenchStack({ processes: ['postgres', 'temporal', 'api', 'worker'], home: options.home }, async (stack) => {
    const client = new ApiClient(String(stack.urls.api), findApiKey({}, stack.home) ?? '');
    const differences: string[] = [];
    for (const folder of options.dir.length > 0 ? options.dir : [defaultFolder]) {
      const started = performance.now();
      const files = await ingestFolder(client, folder, (hash) => expectation[hash]?.password);
      console.log(`${renderFiles(files)}\n`);
      results.record('files.seconds', (performance.now() - started) / 1000);
      results.record('files.total', files.length);
      for (const state of ['ready', 'failed', 'refused'] as const) {
        results.record(`files.${state}`, files.filter((file) => file.state === state).length);
      }
      const known = files.filter((file) => expectation[file.hash] !== undefined);
      results.record('files.expected', known.length);
      for (const file of known) differences.push(...compareWithExpectation(file, expectation[file.hash]!));
    }
    results.record('files.differences', differences.length);
    for (const difference of differences) progress(difference);
    if (options.check && differences.length > 0) {
      throw new Error(`${differences.length} findings are not as expected:\n${differences.join('\n')}`);
    }
  });
}

async function readExpectation(): Promise<Record<string, FileExpectation>> {
  const text = await readFile(path.join(import.meta.dirname, 'expectation.json'), 'utf8');
  return JSON.parse(text) as Record<string, FileExpectation>;
}
