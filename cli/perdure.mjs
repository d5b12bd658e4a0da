#!/usr/bin/env node
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const checkout = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const args = process.argv.slice(2);

/** Goes on in another script as if it had been this process. @param {string} node @param {string[]} parameters */
function continueIn(node, parameters) {
  const child = spawn(node, parameters, { stdio: 'inherit' });
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    process.on(signal, () => child.kill(signal));
  }
  child.on('error', (error) => {
    console.error(`${node} cannot be started (${error.message}). Run "npm ci" in ${checkout}, then try again.`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => process.exit(signal === null ? (code ?? 1) : 1));
}

if (args[0] === 'up') {
  // Before anything else: `up` is what installs the rest, with whatever Node is there.
  continueIn(process.execPath, [path.join(checkout, 'scripts', 'start.mjs'), ...args.slice(1)]);
} else if (Number(process.versions.node.split('.')[0]) >= 24) {
  const settings = path.join(checkout, '.env');
  if (existsSync(settings)) process.loadEnvFile(settings);
  // A reader that has seen enough (`perdure sources | head -1`) is no fault.
  process.stdout.on('error', (error) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(0);
  });
  const { main } = await import('./main.ts');
  // oxlint-disable-next-line node/no-process-env -- the one place where settings come in; commands get them as an argument
  process.exitCode = await main({ args, env: process.env, checkout });
} else {
  const brought = path.join(checkout, 'node_modules', '.bin', 'node');
  if (existsSync(brought)) continueIn(brought, [fileURLToPath(import.meta.url), ...args]);
  else {
    console.error(
      `perdure runs on Node 24, and this is Node ${process.versions.node}. Run "npm start" once in ${checkout}: on Linux ` +
        'it brings its own Node 24; elsewhere install Node 24 from https://nodejs.org.',
    );
    process.exit(1);
  }
}
