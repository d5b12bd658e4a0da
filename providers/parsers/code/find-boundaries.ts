import type { SyntaxNode, Tree } from '@lezer/common';
import { strengths } from '../../../domain/chunking/text-structure.ts';
import type { CodeBoundary } from '../../../domain/chunking/text-structure.ts';
import type { CodeGrammar } from './code-grammars.ts';

/** Something that code declares, from its comments to its end. */
interface Declaration {
  readonly start: number;
  /** Where its own first line begins, behind comments and decorators. */
  readonly head: number;
  readonly end: number;
  readonly name: string;
}

const deepestLevel = 6;
const longestName = 200;

/**
 * Finds where code may be cut by its syntax: before functions, classes and methods with the comments, decorators and
 * attributes that stand right above them. What is declared within something else is a level deeper; behind its end the
 * level closes.
 */
export function findBoundaries(text: string, tree: Tree, grammar: CodeGrammar): CodeBoundary[] {
  const places = new Map<number, CodeBoundary>();
  const open: Declaration[] = [];
  const close = (before: number) => {
    while (open.length > 0 && open.at(-1)!.end <= before) {
      const { end } = open.pop()!;
      const level = open.length + 1;
      const position = nextText(text, end);
      // A declaration that follows at once begins its own level.
      if (position >= text.length || level > deepestLevel) continue;
      const strength = /[\])}]/.test(text[position]!) ? strengths.wrappedLine : strengths.block;
      const at = lineStart(text, position) ?? position;
      if (at >= end) places.set(at, { position: at, strength, heading: { level, title: '' } });
    }
  };
  tree.iterate({
    enter: ({ name, from, node }) => {
      if (!Object.hasOwn(grammar.declarations, name)) return;
      const declaration = describe(text, node, grammar);
      if (declaration === null) return;
      close(from);
      const level = open.length + 1;
      open.push(declaration);
      if (level > deepestLevel) return;
      const { start, head } = declaration;
      places.set(start, {
        position: start,
        strength: strengths.section - level,
        heading: { level, title: declaration.name },
      });
      for (const position of linesBetween(text, start, head))
        places.set(position, { position, strength: strengths.afterHeading });
    },
  });
  close(Number.POSITIVE_INFINITY);
  return [...places.values()].sort((one, other) => one.position - other.position);
}

function describe(text: string, node: SyntaxNode, grammar: CodeGrammar): Declaration | null {
  const needed = grammar.only?.[node.name];
  if (needed && !needed.some((child) => node.getChild(child) !== null)) return null;
  const name = nameOf(text, node, grammar);
  if (name === null) return null;
  let outer = node;
  while (outer.parent && grammar.wrappers?.includes(outer.parent.name)) outer = outer.parent;
  let start = outer.from;
  for (let before = outer.prevSibling; before !== null; before = before.prevSibling) {
    if (!isAttached(before) || /\n[ \t\r]*\n/.test(text.slice(before.to, start))) break;
    // A comment behind other code belongs to that.
    if (lineStart(text, before.from) === null) break;
    start = before.from;
  }
  const decorator = node.firstChild?.name === 'Decorator' ? (node.firstChild.nextSibling ?? node) : node;
  return {
    start: lineStart(text, start) ?? start,
    head: lineStart(text, decorator.from) ?? decorator.from,
    end: outer.to,
    name,
  };
}

/** Comments, decorators and attributes; the grammar of JavaScript reads a decorator before `export` as half a class. */
function isAttached(node: SyntaxNode): boolean {
  return (
    /Comment|Decorator|^Attribute/.test(node.name) ||
    (node.name === 'ClassDeclaration' && node.getChild('Decorator') !== null && node.getChild('ClassBody') === null)
  );
}

function nameOf(text: string, node: SyntaxNode, grammar: CodeGrammar): string | null {
  const names = grammar.declarations[node.name]!;
  const found: SyntaxNode[] = [];
  for (let child = node.firstChild; child !== null; child = child.nextSibling) {
    if (names.includes(child.name)) found.push(child);
    else if (grammar.heads?.includes(child.name)) {
      const inner = nameIn(child, names, grammar.heads);
      if (inner !== null) found.push(inner);
    }
  }
  // `impl Trait for Type` is the type's.
  const name = node.name === 'ImplItem' ? found.at(-1) : found[0];
  if (name === undefined) return null;
  const own = text.slice(name.from, Math.min(name.to, name.from + longestName)).replaceAll(/\s+/g, ' ');
  const receiver = node.name === 'MethodDecl' ? receiverOf(text, node) : null;
  return receiver === null ? own : `${receiver}.${own}`;
}

function nameIn(node: SyntaxNode, names: readonly string[], heads: readonly string[]): SyntaxNode | null {
  for (let child = node.firstChild; child !== null; child = child.nextSibling) {
    if (names.includes(child.name)) return child;
    const inner = heads.includes(child.name) ? nameIn(child, names, heads) : null;
    if (inner !== null) return inner;
  }
  return null;
}

/** The type to which a method of Go belongs. */
function receiverOf(text: string, node: SyntaxNode): string | null {
  const parameters = node.getChild('Parameters');
  if (parameters === null) return null;
  return (
    /(\w+)(?:\[[^\]]*\])?\s*\)$/.exec(
      text.slice(parameters.from, Math.min(parameters.to, parameters.from + 500)),
    )?.[1] ?? null
  );
}

/** Begins of the lines behind the one at `start`, up to that at `head`. */
function linesBetween(text: string, start: number, head: number): number[] {
  const lines: number[] = [];
  for (let at = start; at < head;) {
    const lineFeed = text.indexOf('\n', at);
    if (lineFeed < 0 || lineFeed >= head) break;
    at = lineFeed + 1;
    lines.push(at);
  }
  return lines;
}

/** Where the line of a position begins, if only white space stands before it. */
function lineStart(text: string, position: number): number | null {
  let start = position;
  while (start > 0 && (text[start - 1] === ' ' || text[start - 1] === '\t')) start -= 1;
  return start === 0 || text[start - 1] === '\n' ? start : null;
}

function nextText(text: string, position: number): number {
  let next = position;
  while (next < text.length && /[\s;,]/.test(text[next]!)) next += 1;
  return next;
}
