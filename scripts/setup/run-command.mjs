import { spawn } from 'node:child_process';

/**
 * @typedef {{ cwd?: string, env?: NodeJS.ProcessEnv, show?: boolean }} RunOptions `show` lets the output reach the terminal.
 * @typedef {{ code: number | null, missing: boolean, output: string }} RunResult
 */

/**
 * Runs a program to its end and returns its exit code and output; `missing` says that there is no such program.
 * @param {string} command @param {readonly string[]} args @param {RunOptions} [options] @returns {Promise<RunResult>}
 */
export function runCommand(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: options.show ? ['ignore', 'inherit', 'inherit'] : ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    const collect = (/** @type {Buffer} */ chunk) => (output += chunk.toString());
    child.stdout?.on('data', collect);
    child.stderr?.on('data', collect);
    child.on('error', (/** @type {NodeJS.ErrnoException} */ error) => {
      // EACCES: a folder of PATH that this user may not enter.
      if (error.code === 'ENOENT' || error.code === 'EACCES') resolve({ code: null, missing: true, output });
      else reject(error);
    });
    child.on('close', (code) => resolve({ code, missing: false, output }));
  });
}
