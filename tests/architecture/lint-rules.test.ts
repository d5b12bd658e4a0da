import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { plantedTree, type Finding, type PlantedTree } from './planted-tree.ts';

/** A fault by its title: the file that commits it, and the rule that must name it. */
const faults: Record<string, { file: string; text: string; rule: string; also?: Record<string, string> }> = {
  'domain reads the clock': { file: 'domain/planted-1.ts', text: 'export const at = Date.now();', rule: 'globals' },
  'domain makes a Date': { file: 'domain/planted-2.ts', text: 'export const at = new Date();', rule: 'globals' },
  'domain reads process': { file: 'domain/planted-3.ts', text: 'export const pid = process.pid;', rule: 'globals' },
  'domain fetches': { file: 'domain/planted-4.ts', text: "export const page = fetch('/');", rule: 'globals' },
  'domain makes an id': {
    file: 'domain/planted-5.ts',
    text: 'export const id = crypto.randomUUID();',
    rule: 'globals',
  },
  'domain goes round by globalThis': {
    file: 'domain/planted-6.ts',
    text: 'export const id = globalThis.crypto.randomUUID();',
    rule: 'globals',
  },
  'domain throws dice': {
    file: 'domain/planted-7.ts',
    text: 'export const dice = Math.random();',
    rule: 'eslint(no-restricted-properties)',
  },
  'a workflow reads process': {
    file: 'workflows/planted-1.ts',
    text: 'export const pid = process.pid;',
    rule: 'globals',
  },
  'a workflow fetches': { file: 'workflows/planted-2.ts', text: "export const page = fetch('/');", rule: 'globals' },
  'a workflow writes to the console': {
    file: 'workflows/planted-3.ts',
    text: "console.log('replayed');",
    rule: 'eslint(no-console)',
  },
  'a folder other than platform reads the environment': {
    file: 'api/planted-1.ts',
    text: 'export const port = process.env.PERDURE_PORT;',
    rule: 'node(no-process-env)',
  },
  'two files import each other': {
    file: 'entities/planted-1.ts',
    text: "import { two } from './planted-2.ts';\nexport const one: number = two + 1;",
    also: {
      'entities/planted-2.ts': "import { one } from './planted-1.ts';\nexport const two: number = one + 1;",
    },
    rule: 'import(no-cycle)',
  },
  'two files import each other by type': {
    file: 'entities/planted-3.ts',
    text: "import type { Two } from './planted-4.ts';\nexport type One = { two: Two | null };",
    also: {
      'entities/planted-4.ts': "import type { One } from './planted-3.ts';\nexport type Two = { one: One | null };",
    },
    rule: 'import(no-cycle)',
  },
  'a promise is left floating': {
    file: 'api/planted-2.ts',
    text: 'const write = async (): Promise<void> => {};\nexport const handler = (): void => {\n  write();\n};',
    rule: 'typescript(no-floating-promises)',
  },
  'a type is imported as a value': {
    file: 'api/planted-3.ts',
    text: "import { Server } from 'node:http';\nexport type Handle = { server: Server };",
    rule: 'typescript(consistent-type-imports)',
  },
  'a type is fetched past the fence by import()': {
    file: 'workflows/planted-4.ts',
    text: "export type Row = import('../entities/planted-1.ts').Row;",
    rule: 'typescript(consistent-type-imports)',
  },
  'a file has a default export': {
    file: 'api/planted-4.ts',
    text: 'export default 1;',
    rule: 'import(no-default-export)',
  },
  'a file has more than 400 lines': {
    file: 'api/planted-5.ts',
    text: Array.from({ length: 401 }, (_, index) => `export const line${index} = ${index};`).join('\n'),
    rule: 'eslint(max-lines)',
  },
  'a file is not named in kebab-case': {
    file: 'api/PlantedSix.ts',
    text: 'export const six = 6;',
    rule: 'unicorn(filename-case)',
  },
  'a test is switched off': {
    file: 'tests/planted-1.test.ts',
    text: "import { test } from '@jest/globals';\ntest.skip('later', () => {});",
    rule: 'jest(no-disabled-tests)',
  },
  'a switch forgets a case': {
    file: 'api/planted-7.ts',
    text: [
      "export function name(kind: 'a' | 'b'): string {",
      '  switch (kind) {',
      "    case 'a':",
      "      return 'first';",
      '  }',
      "  return '';",
      '}',
    ].join('\n'),
    rule: 'typescript(switch-exhaustiveness-check)',
  },
};

describe('the house rules', () => {
  let tree: PlantedTree;
  let findings: Finding[];

  beforeAll(async () => {
    tree = await plantedTree({ sources: false, typeAware: true });
    for (const { file, text, also = {} } of Object.values(faults)) {
      for (const [name, content] of Object.entries({ [file]: text, ...also })) await tree.plant(name, `${content}\n`);
    }
    findings = await tree.lint();
  }, 120_000);
  afterAll(() => tree.remove());

  test.each(Object.entries(faults))('a fault is found: %s', (_, { file, rule }) => {
    const named = rule === 'globals' ? 'eslint(no-restricted-globals)' : rule;
    expect(findings.filter((found) => found.file === file).map((found) => found.rule)).toContain(named);
  });
});
