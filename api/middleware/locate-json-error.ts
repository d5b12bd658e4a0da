const literal = /true|false|null/y;
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
// eslint-disable-next-line no-control-regex -- JSON forbids exactly these characters inside a string
const string = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const blank = /[ \t\r\n]*/y;

/** Where a text stops being JSON: line and column count from 1. */
export type JsonErrorPosition = { line: number; column: number; offset: number };

/**
 * Finds the first place at which `text`, which JSON.parse refused, breaks the grammar of RFC 8259. Keeps its own stack,
 * so deep nesting cannot exhaust the process's. The engine's own message has no position for short texts.
 */
export function locateJsonError(text: string): JsonErrorPosition {
  const offset = scan(text);
  const before = text.slice(0, offset);
  const line = before.split('\n').length;
  return { offset, line, column: offset - before.lastIndexOf('\n') };
}

type Expected = 'value' | 'value_or_end' | 'key' | 'key_or_end' | 'colon' | 'comma_or_end';

function scan(text: string): number {
  const stack: Array<'}' | ']'> = [];
  let expected: Expected = 'value';
  let at = skip(text, blank, 0);
  while (at < text.length) {
    const char = text[at]!;
    if (char === stack.at(-1) && (expected === 'comma_or_end' || expected.endsWith('_or_end'))) {
      stack.pop();
      at += 1;
      expected = 'comma_or_end';
    } else if (expected === 'colon') {
      if (char !== ':') return at;
      at += 1;
      expected = 'value';
    } else if (expected === 'comma_or_end') {
      if (char !== ',' || stack.length === 0) return at;
      at += 1;
      expected = stack.at(-1) === '}' ? 'key' : 'value';
    } else if (expected === 'key' || expected === 'key_or_end') {
      const end = skip(text, string, at);
      if (end === at) return at;
      at = end;
      expected = 'colon';
    } else if (char === '{' || char === '[') {
      stack.push(char === '{' ? '}' : ']');
      at += 1;
      expected = char === '{' ? 'key_or_end' : 'value_or_end';
    } else {
      const end = skip(
        text,
        char === '"' ? string : char === '-' || (char >= '0' && char <= '9') ? number : literal,
        at,
      );
      if (end === at) return at;
      at = end;
      expected = 'comma_or_end';
    }
    at = skip(text, blank, at);
  }
  return text.length;
}

function skip(text: string, pattern: RegExp, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
}
