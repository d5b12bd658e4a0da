import { spawn } from 'node:child_process';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');

/**
 * One check of `npm run verify`: what it proves, the command, and what to do when it fails.
 * @typedef {{ title: string, command: readonly string[], remedy: string }} Check
 * @typedef {{ check: Check, passed: boolean, output: string, seconds: number }} Verdict
 */

/** @type {readonly Check[]} */
export const checks = [
  { title: 'formatted', command: ['oxfmt', '--check', '.'], remedy: 'npx oxfmt .' },
  {
    title: 'linted, fences and types included',
    command: ['oxlint', '--format=unix', '.'],
    remedy: 'mend the code; a rule is not the place',
  },
  { title: 'typed', command: ['tsc', '--noEmit'], remedy: 'mend the types' },
  { title: 'no dead code', command: ['knip'], remedy: 'delete what nothing uses, or use it' },
  {
    title: 'docs/openapi.json is fresh',
    command: ['node', 'scripts/generate/openapi.ts', '--check'],
    remedy: 'node scripts/generate/openapi.ts',
  },
  {
    title: '.env.example is fresh',
    command: ['node', 'scripts/generate/env-example.ts', '--check'],
    remedy: 'node scripts/generate/env-example.ts',
  },
  {
    title: "README's settings are fresh",
    command: ['node', 'scripts/generate/readme-settings.ts', '--check'],
    remedy: 'node scripts/generate/readme-settings.ts',
  },
  {
    title: 'nothing stray in the workflow bundle',
    command: ['node', 'scripts/verify/check-sandbox.ts'],
    remedy: 'import by type, or move the value to domain/ or contracts/names/',
  },
];

/**
 * Runs every check, whatever the others say, prints a line for each, and resolves to the verdicts in order.
 * @param {readonly Check[]} list @param {(line: string) => void} print @returns {Promise<Verdict[]>}
 */
export async function runChecks(list, print) {
  const verdicts = [];
  for (const check of list) {
    const verdict = await runCheck(check);
    print(`${verdict.passed ? 'ok  ' : 'FAIL'} ${check.title} (${verdict.seconds.toFixed(1)} s)`);
    verdicts.push(verdict);
  }
  return verdicts;
}

/** @param {Check} check @returns {Promise<Verdict>} */
function runCheck(check) {
  const started = performance.now();
  const [command = '', ...args] = check.command;
  const bin = path.join(root, 'node_modules', '.bin');
  const env = { ...process.env, PATH: `${bin}${path.delimiter}${process.env.PATH ?? ''}`, NO_COLOR: '1' };
  return new Promise((resolve) => {
    let output = '';
    const end = (/** @type {boolean} */ passed) =>
      resolve({ check, passed, output: output.trim(), seconds: (performance.now() - started) / 1000 });
    const child = spawn(command, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        output += text;
      });
    }
    child.on('error', (error) => {
      output += `${command} could not be run: ${error.message}`;
      end(false);
    });
    child.on('close', (code) => end(code === 0));
  });
}
