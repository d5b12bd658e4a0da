import type { CodeLanguage } from './code-grammars.ts';

const byExtension: Readonly<Record<string, CodeLanguage>> = {
  js: 'javascript', mjs: 'javascript', cjs: 'javascript', jsx: 'javascript',
  ts: 'typescript', mts: 'typescript', cts: 'typescript', tsx: 'tsx',
  py: 'python', pyi: 'python', pyw: 'python',
  java: 'java',
  c: 'cpp', h: 'cpp', cc: 'cpp', cpp: 'cpp', cxx: 'cpp', hh: 'cpp', hpp: 'cpp', hxx: 'cpp', ino: 'cpp', cu: 'cpp',
  rs: 'rust', go: 'go',
  php: 'php', phtml: 'php',
}; // prettier-ignore

const byShebang: readonly [RegExp, CodeLanguage][] = [
  [/\b(?:node|nodejs)\b/, 'javascript'],
  [/\b(?:deno|bun|ts-node|tsx)\b/, 'typescript'],
  [/\bpython[\d.]*\b/, 'python'],
  [/\bphp[\d.]*\b/, 'php'],
];

// Lines that one language writes and the others hardly do.
const bySigns: readonly [CodeLanguage, RegExp][] = [
  ['php', /^<\?php\b/m],
  ['go', /^package [a-z]\w*[ \t]*$/m],
  ['rust', /^(?:pub(?:\([a-z]+\))? )?(?:fn \w+|impl\b|use (?:std|crate|super)::|mod \w+;)/m],
  ['cpp', /^#[ \t]*(?:include[ \t]*[<"]|ifndef \w+|pragma once)/m],
  ['java', /^(?:import java|package [\w.]+;|public (?:final |abstract )*(?:class|interface|enum|record) )/m],
  ['python', /^(?:def \w+\(.*|class \w+(?:\(.*\))?):[ \t]*$|^from [\w.]+ import |^import [\w.]+(?: as \w+)?[ \t]*$/m],
  [
    'typescript',
    /^(?:export )?(?:interface \w+|type \w+ =|(?:const|let|function) [^\n]{0,200}?: (?:string|number|boolean|void)\b)/m,
  ],
  [
    'javascript',
    /^(?:import [^\n]{0,200}from ['"]|(?:export |async )*function[ *]|(?:const|let|var) \w+ =|module\.exports)/m,
  ],
];

// Enough to see what is imported and declared first.
const looksAt = 20_000;

/** The languages that a file may be in, likeliest first: by its name, its first line, and lines that give one away. */
export function guessLanguages(text: string, name: string | null): CodeLanguage[] {
  const extension = name?.toLowerCase().match(/\.([a-z]+)$/)?.[1];
  const named = extension === undefined ? undefined : byExtension[extension];
  const first = text.slice(0, 200).split('\n', 1)[0]!;
  const script = first.startsWith('#!') ? byShebang.find(([pattern]) => pattern.test(first))?.[1] : undefined;
  const head = text.slice(0, looksAt);
  const seen = bySigns.find(([, pattern]) => pattern.test(head))?.[0];
  const guesses = [named, script, seen].filter((language) => language !== undefined);
  return [...new Set(guesses)];
}
