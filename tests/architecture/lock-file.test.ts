import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';

type LockFile = {
  packages: Record<string, { version?: string; resolved?: string; integrity?: string; link?: boolean }>;
};

async function readPackages(file: string): Promise<LockFile['packages']> {
  const text = await readFile(path.resolve(import.meta.dirname, '../..', file), 'utf8');
  return (JSON.parse(text) as LockFile).packages;
}

describe('package-lock.json', () => {
  let packages: LockFile['packages'];

  beforeAll(async () => {
    packages = await readPackages('package-lock.json');
  });

  // Two copies would give two payload converters and two sets of error classes, and instanceof would fail in silence.
  test.each(['common', 'workflow', 'proto', 'client', 'worker', 'activity'])(
    'holds one version of @temporalio/%s',
    (name) => {
      const copies = Object.keys(packages).filter((place) => place.endsWith(`node_modules/@temporalio/${name}`));
      expect(copies).toEqual([`node_modules/@temporalio/${name}`]);
    },
  );

  test('has all of @temporalio and all of @mikro-orm at one version each, as their exact peers demand', () => {
    const versionsOf = (scope: string): Set<string | undefined> =>
      new Set(
        Object.entries(packages)
          .filter(([place]) => place.startsWith(`node_modules/${scope}/`) && !place.slice(13).includes('node_modules/'))
          .map(([, { version }]) => version),
      );
    expect([...versionsOf('@temporalio')]).toHaveLength(1);
    expect([...versionsOf('@mikro-orm')]).toHaveLength(1);
  });
});

describe.each(['package-lock.json', 'bench/peers/package-lock.json'])('%s', (file) => {
  let packages: LockFile['packages'];

  beforeAll(async () => {
    packages = await readPackages(file);
  });

  test('names no registry address, so that an install asks the registry it is configured for', () => {
    expect(Object.keys(packages).filter((place) => packages[place]?.resolved !== undefined)).toEqual([]);
  });

  test('holds a hash for each package', () => {
    const without = Object.entries(packages).filter(
      ([place, entry]) => place !== '' && !entry.link && !entry.integrity,
    );
    expect(without.map(([place]) => place)).toEqual([]);
  });
});
