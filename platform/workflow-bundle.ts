import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { workflowInterceptorModules } from './telemetry/workflow-interceptor-modules.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const bundledFolders = ['workflows', 'domain', 'contracts/names'];

/**
 * Path of the workflow bundle for the sources as they are now. Bundling takes several seconds, so the result is kept in
 * `cacheFolder` under the hash of everything that goes into it.
 */
export async function workflowBundle(cacheFolder: string): Promise<string> {
  const file = path.join(cacheFolder, `workflow-bundle-${await sourcesHash()}.js`);
  const kept = await stat(file).catch(() => null);
  if (kept) return file;
  const code = await buildWorkflowBundle();
  await mkdir(cacheFolder, { recursive: true });
  // Two processes may build at once: each writes its own file, and a rename is atomic.
  const temporary = `${file}.${process.pid}`;
  await writeFile(temporary, code);
  await rename(temporary, file);
  return file;
}

/** Bundles the workflows and their interceptors; returns the code. */
export async function buildWorkflowBundle(): Promise<string> {
  const { bundleWorkflowCode } = await import('@temporalio/worker');
  const { code } = await bundleWorkflowCode({
    workflowsPath: path.join(root, 'workflows', 'index.ts'),
    workflowInterceptorModules,
    logger: silentLogger,
  });
  return code;
}

const silentLogger = {
  log() {},
  trace() {},
  debug() {},
  info() {},
  warn() {},
  error() {},
};

async function sourcesHash(): Promise<string> {
  const hash = createHash('sha256');
  const files = await Promise.all(
    bundledFolders.map(async (folder) => {
      const entries = await readdir(path.join(root, folder), { recursive: true, withFileTypes: true });
      return entries
        .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
        .map((entry) => path.join(entry.parentPath, entry.name));
    }),
  );
  for (const file of [...files.flat(), path.join(root, 'package-lock.json')].sort()) {
    hash.update(path.relative(root, file)).update('\0');
    hash.update(await readFile(file)).update('\0');
  }
  return hash.digest('hex').slice(0, 16);
}
