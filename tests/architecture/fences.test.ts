import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { plantedTree, type Finding, type PlantedTree } from './planted-tree.ts';

const folders = [
  'contracts',
  'contracts/names',
  'domain',
  'workflows',
  'activities',
  'retrieval',
  'entities',
  'migrations',
  'providers',
  'providers/planted',
  'api',
  'platform',
  'cli',
  'web',
  'tests',
  'bench',
  'scripts',
] as const;

const packages = [
  'zod',
  '@temporalio/workflow',
  '@temporalio/common',
  '@temporalio/activity',
  '@temporalio/client',
  '@temporalio/worker',
  '@mikro-orm/core',
  '@mikro-orm/migrations',
  'pgvector/mikro-orm',
  'kysely',
  'koa',
  'pg',
  'openai',
  'node:crypto',
  'node:fs/promises',
] as const;

type Target = (typeof folders)[number] | (typeof packages)[number] | 'server.ts';
type Fence = { values: Target[]; types?: Target[] };

const allPackagesExcept = (...names: Target[]): Target[] => packages.filter((name) => !names.includes(name));
const builtIns: Target[] = ['node:crypto', 'node:fs/promises'];

/** The fences as docs/architecture.md draws them: what each folder may import, everything else being a fault. */
const fences: Record<string, Fence> = {
  contracts: { values: ['contracts', 'contracts/names', 'zod'] },
  'contracts/names': { values: ['contracts/names'] },
  domain: { values: ['domain', 'contracts/names'], types: ['contracts'] },
  workflows: {
    values: ['workflows', 'domain', 'contracts/names', '@temporalio/workflow', '@temporalio/common'],
    types: ['activities', 'contracts'],
  },
  activities: {
    values: [
      ...(['activities', 'contracts', 'contracts/names', 'domain', 'entities', 'retrieval'] as const),
      ...(['providers', 'providers/planted', '@temporalio/activity', '@temporalio/common'] as const),
      ...builtIns,
    ],
    types: ['platform', ...packages],
  },
  retrieval: {
    values: [
      ...(['retrieval', 'contracts', 'contracts/names', 'domain', 'entities'] as const),
      ...(['zod', '@mikro-orm/core', '@mikro-orm/migrations', 'pgvector/mikro-orm', 'kysely'] as const),
      ...builtIns,
    ],
    types: ['providers'],
  },
  entities: {
    values: ['entities', 'contracts/names', '@mikro-orm/core', '@mikro-orm/migrations', 'pgvector/mikro-orm', 'kysely'],
    types: ['contracts', ...packages],
  },
  migrations: { values: ['@mikro-orm/migrations'] },
  providers: {
    values: ['providers', 'providers/planted', 'contracts', 'contracts/names', 'domain', 'openai', 'zod', ...builtIns],
  },
  api: {
    values: [
      ...(['api', 'contracts', 'contracts/names', 'entities', 'retrieval'] as const),
      ...allPackagesExcept(
        '@temporalio/worker',
        '@temporalio/workflow',
        '@temporalio/activity',
        'pg',
        'kysely',
        'openai',
      ),
    ],
    types: ['workflows', 'platform', 'providers'],
  },
  platform: {
    values: [
      ...(['platform', 'contracts', 'contracts/names', 'domain', 'activities', 'retrieval', 'entities'] as const),
      ...(['migrations', 'providers', 'providers/planted'] as const),
      ...allPackagesExcept('koa'),
    ],
  },
  cli: { values: ['cli', 'web', 'contracts', 'contracts/names', 'zod', ...builtIns] },
  web: { values: ['cli', 'web', 'contracts', 'contracts/names', 'zod', ...builtIns] },
  tests: { values: [...folders, ...packages, 'server.ts'] },
  bench: { values: [...folders, ...packages, 'server.ts'] },
  scripts: { values: [...folders, ...packages, 'server.ts'] },
};

const importRule = 'eslint(no-restricted-imports)';
const targets: Target[] = [...folders, ...packages, 'server.ts'];
const isFolder = (target: Target): boolean => (folders as readonly string[]).includes(target);

function specifier(target: Target, depth: number): string {
  const up = '../'.repeat(depth);
  if (target === 'server.ts') return `${up}server.ts`;
  return isFolder(target) ? `${up}${target}/planted-target.ts` : target;
}

/** Every way to name a target in one file, two lines a target: the value first, then the type. */
function everyImport(folder: string, depth: number): string {
  return targets
    .flatMap((target, index) => {
      // Inside contracts/names the fence is the folder itself, so its own files are named from there.
      const from = target === folder && folder === 'contracts/names' ? './planted-target.ts' : specifier(target, depth);
      return [
        `export { planted as v${index} } from '${from}';`,
        `export type { planted as t${index} } from '${from}';`,
      ];
    })
    .join('\n');
}

function expectedFaults({ values, types = [] }: Fence): string[] {
  return targets.flatMap((target) => [
    ...(values.includes(target) ? [] : [`value of ${target}`]),
    ...(values.includes(target) || types.includes(target) ? [] : [`type of ${target}`]),
  ]);
}

function foundFaults(findings: Finding[], file: string): string[] {
  const lines = findings.filter((found) => found.file === file && found.rule === importRule).map(({ line }) => line);
  // Two patterns may refuse the same line.
  return [...new Set(lines)]
    .toSorted((one, other) => one - other)
    .map((line) => `${line % 2 === 1 ? 'value' : 'type'} of ${targets[(line - 1) >> 1]}`);
}

const depthOf = (folder: string): number => folder.split('/').length;

describe('the fences between folders', () => {
  let tree: PlantedTree;
  let clean: Finding[];
  let findings: Finding[];

  beforeAll(async () => {
    tree = await plantedTree({ sources: true, typeAware: false });
    clean = await tree.lint();
    for (const folder of Object.keys(fences)) {
      await tree.plant(`${folder}/planted-fault.ts`, everyImport(folder, depthOf(folder)));
      await tree.plant(`${folder}/planted/deep/planted-fault.ts`, everyImport(folder, depthOf(folder) + 2));
    }
    findings = await tree.lint();
  }, 120_000);
  afterAll(() => tree.remove());

  test('the sources as they are break no fence', () => {
    expect(clean).toEqual([]);
  });

  test.each(Object.entries(fences))('%s may import exactly what its row names', (folder, fence) => {
    expect(foundFaults(findings, `${folder}/planted-fault.ts`)).toEqual(expectedFaults(fence));
  });

  test.each(Object.entries(fences).filter(([folder]) => folder !== 'contracts/names'))(
    '%s has the same fence in its subfolders',
    (folder, fence) => {
      expect(foundFaults(findings, `${folder}/planted/deep/planted-fault.ts`)).toEqual(expectedFaults(fence));
    },
  );
});
