import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { checks, runChecks } from '../../scripts/verify/run-checks.mjs';

const root = path.resolve(import.meta.dirname, '../..');

describe('npm run verify', () => {
  test('runs every check after a failed one, and keeps what each of them said', async () => {
    const lines: string[] = [];
    const say = (text: string, code: number): string[] => [
      'node',
      '-e',
      `console.log('${text}'); process.exit(${code})`,
    ];
    const verdicts = await runChecks(
      [
        { title: 'one', command: say('wrong here', 3), remedy: 'mend it' },
        { title: 'two', command: ['no-such-command-anywhere'], remedy: 'install it' },
        { title: 'three', command: say('fine', 0), remedy: '' },
      ],
      (line) => lines.push(line),
    );
    expect(verdicts.map(({ passed }) => passed)).toEqual([false, false, true]);
    expect(verdicts[0]?.output).toBe('wrong here');
    expect(verdicts[1]?.output).toContain('no-such-command-anywhere could not be run');
    expect(lines.map((line) => line.replace(/ \(.*/, ''))).toEqual(['FAIL one', 'FAIL two', 'ok   three']);
  });

  test('covers format, lint, types, dead code, generated files and the sandbox', () => {
    const commands = checks.map(({ command }) => command.join(' '));
    for (const part of [
      'oxfmt',
      'oxlint',
      'tsc',
      'knip',
      'openapi',
      'env-example',
      'readme-settings',
      'check-sandbox',
    ]) {
      expect(commands.some((command) => command.includes(part))).toBe(true);
    }
  });
});

describe('.ci/run', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'perdure-ci-'));
    mkdirSync(path.join(folder, '.ci'));
    cpSync(path.join(root, '.ci/run'), path.join(folder, '.ci/run'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  /** Runs the script with an npm whose two commands say and exit as told. */
  function runWith(
    verify: [string, number],
    tests: [string, number],
  ): { code: number | null; last: string | undefined } {
    const answer = ([text, code]: [string, number]): string => `printf '%b' '${text}'; exit ${code}`;
    const npm = path.join(folder, 'npm');
    writeFileSync(npm, `#!/bin/sh\ncase "$*" in *verify*) ${answer(verify)};; *) ${answer(tests)};; esac\n`);
    chmodSync(npm, 0o755);
    const { status, stdout } = spawnSync('bash', [path.join(folder, '.ci/run')], {
      encoding: 'utf8',
      env: { ...process.env, PATH: `${folder}:${process.env.PATH}` },
    });
    return { code: status, last: stdout.trimEnd().split('\n').at(-1) };
  }

  test('adds checks and tests up, and succeeds when none failed', () => {
    const run = runWith(['ok\\n8 passed, 0 failed\\n', 0], ['Tests: 2\\n120 passed, 0 failed\\n', 0]);
    expect(run).toEqual({ code: 0, last: '128 passed, 0 failed' });
  });

  test('counts failed checks as failed', () => {
    const run = runWith(['6 passed, 2 failed\\n', 1], ['120 passed, 0 failed\\n', 0]);
    expect(run).toEqual({ code: 1, last: '126 passed, 2 failed' });
  });

  test('counts a command that died before its last line as one failure', () => {
    const run = runWith(['8 passed, 0 failed\\n', 0], ['Segmentation fault\\n', 139]);
    expect(run).toEqual({ code: 1, last: '8 passed, 1 failed' });
    expect(runWith(['', 1], ['', 1])).toEqual({ code: 1, last: '0 passed, 2 failed' });
  });

  test('fails when nothing ran', () => {
    expect(runWith(['', 0], ['', 0]).code).toBe(1);
  });
});
