import { cp, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type * as bundles from '../../../platform/workflow-bundle.ts';
import { checkout } from '../../../scripts/setup/installation.mjs';

/** The patch that tells turns of the next version from those of this one, in their histories. */
export const nextVersionPatch = 'next-version';

const changed = 'workflows/serve-turn.ts';
const before = /^ {4}const verdict = await generateAnswer\(.*$/m;
const copied = ['workflows', 'domain', 'contracts', 'platform', 'package.json'];

/**
 * Bundles the workflows in `folder` as a next version of them would be: with another command in each turn, behind
 * `patched()`. Returns the file of the bundle.
 */
export async function bundleNextVersion(folder: string): Promise<string> {
  for (const name of copied) await cp(path.join(checkout, name), path.join(folder, name), { recursive: true });
  await symlink(path.join(checkout, 'node_modules'), path.join(folder, 'node_modules'));
  const source = path.join(folder, changed);
  const text = await readFile(source, 'utf8');
  if (!before.test(text)) throw new Error(`${changed} has no line like ${before}`);
  const next = text
    .replace(before, `    if (patched('${nextVersionPatch}')) await sleep(1, { summary: 'Next version' });\n$&`)
    .replace('  condition,\n', '  condition,\n  patched,\n  sleep,\n');
  await writeFile(source, next);
  const { buildWorkflowBundle } = (await import(path.join(folder, 'platform/workflow-bundle.ts'))) as typeof bundles;
  const file = path.join(folder, 'workflows.js');
  await writeFile(file, await buildWorkflowBundle());
  return file;
}
