import { describe, expect, test } from '@jest/globals';
import { strengths, weakestSection } from '../../../../domain/chunking/text-structure.ts';
import { codeParser } from '../../../../providers/parsers/code/code-parser.ts';

const limits = { outputCharacters: 1_000_000, unpackedBytes: 1_000_000, archiveMembers: 10 };

async function read(text: string, name: string | null) {
  return codeParser.parse(text, { mimeType: 'text/x-source', name, charset: null, password: null, limits });
}

/** What is declared: path by levels, and the first line of its part, comments included. */
async function declared(text: string, name: string | null): Promise<[string, string][]> {
  const { boundaries } = await read(text, name);
  const path: string[] = [];
  return (boundaries ?? []).flatMap(({ position, heading }) => {
    if (!heading) return [];
    path.length = heading.level - 1;
    path.push(heading.title);
    if (heading.title === '') return [];
    return [[path.join(' › '), text.slice(position).split('\n', 1)[0]!.trim()]];
  });
}

describe('codeParser', () => {
  test('finds functions, classes and methods of TypeScript with their comments', async () => {
    const text = `import { x } from 'y';

/** A box. */
@Sealed()
export abstract class Box<T> extends Base {
  #count = 0;

  // Adds one.
  add(item: T): void {
    this.#count += 1;
  }

  private get size(): number { return this.#count; }
  readonly twice = (n: number): number => n * 2;
}

const total = 1; // not a comment of what follows
export const sum = async (a: number, b: number): Promise<number> => a + b;
export function make(): Box<string> {
  function inner() {}
  return inner();
}
interface Shape { area(): number }
`;
    expect(await declared(text, 'box.ts')).toEqual([
      ['Box', '/** A box. */'],
      ['Box › add', '// Adds one.'],
      ['Box › size', 'private get size(): number { return this.#count; }'],
      ['Box › twice', 'readonly twice = (n: number): number => n * 2;'],
      ['sum', 'export const sum = async (a: number, b: number): Promise<number> => a + b;'],
      ['make', 'export function make(): Box<string> {'],
      ['make › inner', 'function inner() {}'],
      ['Shape', 'interface Shape { area(): number }'],
    ]);
  });

  test.each([
    [
      'python',
      'tool.py',
      'import os\n\n# About it.\n@cached\ndef load(path):\n    return 1\n\nclass Store(Base):\n    size = 1\n\n    @property\n    def name(self):\n        return 2\n\n    async def get(self): ...\n\nprint(load(1))\n',
      [
        ['load', '# About it.'],
        ['Store', 'class Store(Base):'],
        ['Store › name', '@property'],
        ['Store › get', 'async def get(self): ...'],
      ],
    ],
    [
      'Java',
      'A.java',
      'package a;\n\n/** Doc. */\n@Ann\npublic class A {\n  public A() {}\n\n  /** Runs. */\n  @Override\n  public void run(int n) { }\n  enum Kind { X }\n}\n',
      [
        ['A', '/** Doc. */'],
        ['A › A', 'public A() {}'],
        ['A › run', '/** Runs. */'],
        ['A › Kind', 'enum Kind { X }'],
      ],
    ],
    [
      'C++',
      'a.cc',
      '#include <x>\nnamespace n {\n// A shape.\ntemplate <class T>\nclass Shape {\n public:\n  double area() const { return 0; }\n};\n\nint Shape::sides(int x) { return 1; }\nstatic char *name(void) { return 0; }\n}\n',
      [
        ['n', 'namespace n {'],
        ['n › Shape', '// A shape.'],
        ['n › Shape › area', 'double area() const { return 0; }'],
        ['n › Shape::sides', 'int Shape::sides(int x) { return 1; }'],
        ['n › name', 'static char *name(void) { return 0; }'],
      ],
    ],
    [
      'Rust',
      'lib.rs',
      'use std::fmt;\n\n/// A store.\n#[derive(Debug)]\npub struct Store<T> { a: T }\n\nimpl<T> fmt::Display for Store<T> {\n    /// Writes.\n    fn fmt(&self) -> i32 { 1 }\n}\n\nfn main() {}\n',
      [
        ['Store', '/// A store.'],
        ['Store<T>', 'impl<T> fmt::Display for Store<T> {'],
        ['Store<T> › fmt', '/// Writes.'],
        ['main', 'fn main() {}'],
      ],
    ],
    [
      'Go',
      'main.go',
      'package main\n\nimport "fmt"\n\n// Store keeps.\ntype Store struct { n int }\n\n// Add adds.\nfunc (s *Store) Add(n int) int {\n\treturn n\n}\n\nfunc main() { fmt.Println() }\n',
      [
        ['Store', '// Store keeps.'],
        ['Store.Add', '// Add adds.'],
        ['main', 'func main() { fmt.Println() }'],
      ],
    ],
    [
      'PHP',
      'a.php',
      '<?php\nnamespace a;\n\n/** Doc. */\nfinal class Store {\n  // Gets.\n  public function get($a) { return 1; }\n}\n\nfunction run() {}\n',
      [
        ['Store', '/** Doc. */'],
        ['Store › get', '// Gets.'],
        ['run', 'function run() {}'],
      ],
    ],
  ])('finds what %s declares, by name and without one', async (_, name, text, expected) => {
    expect(await declared(text, name)).toEqual(expected);
    expect(await declared(text, null)).toEqual(expected);
  });

  test('keeps a comment with its function, and ends a class where it ends', async () => {
    const text = 'class A {\n  m() {}\n}\n\nlet x = 1;\n\n/* One. */\n// Two.\nfunction f() {}\n';
    const { boundaries } = await read(text, 'a.js');
    const at = (words: string) => boundaries?.find(({ position }) => position === text.indexOf(words));
    expect(at('let x')).toEqual({ position: 22, strength: strengths.block, heading: { level: 1, title: '' } });
    expect(at('/* One')?.strength).toBeGreaterThanOrEqual(weakestSection);
    expect(at('// Two')?.strength).toBe(strengths.afterHeading);
    expect(at('function f')?.strength).toBe(strengths.afterHeading);
  });

  test('leaves other languages, and what is in another than its name says, to be cut by lines', async () => {
    expect((await read('class Store\n  def get(id)\n    @rows[id]\n  end\nend\n', 'store.rb')).boundaries).toBeNull();
    expect((await read('select a from b where c = 1;\n'.repeat(40), 'query.py')).boundaries).toBeNull();
    const php = `<?php\n${'function f($a) { return $a ?? 1; }\n'.repeat(20)}`;
    expect(await declared(php, 'wrong.py')).toHaveLength(20);
  });

  test('reads minified code of one line, and code nested without end, in bounded time', async () => {
    const minified = `${'function a(b){return b}'.repeat(2000)}\n`;
    const { boundaries } = await read(minified, 'all.min.js');
    expect(boundaries?.filter(({ heading }) => heading?.title === 'a')).toHaveLength(2000);
    const nested = `${'function f() {\n'.repeat(3000)}${'}'.repeat(3000)}\n`;
    expect((await read(nested, 'deep.js')).text).toBe(nested);
  });
});
