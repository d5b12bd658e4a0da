import { describe, expect, test } from '@jest/globals';
import type { ParsedDocument } from '../../../providers/parsers/document-parser.ts';
import { htmlParser } from '../../../providers/parsers/html-parser.ts';

function parse(html: string): string {
  const limits = { outputCharacters: 1_000_000, unpackedBytes: 0, archiveMembers: 0 };
  const input = { mimeType: 'text/html', name: null, charset: null, password: null, limits };
  return (htmlParser.parse(html, input) as ParsedDocument).text;
}

describe('htmlParser', () => {
  test('keeps the main content and drops scripts, styles and navigation', () => {
    const html = `<!doctype html><html><head><title>T</title><style>p{}</style></head><body>
      <nav><ul><li>Home</li></ul></nav><header><h1>Site</h1></header>
      <main><h1>Guide &amp; help</h1><script>alert(1)</script><p>First   paragraph
      with <b>bold</b>, <a href="/x">link</a>.</p><p hidden>secret</p></main>
      <footer>© footer</footer></body></html>`;
    expect(parse(html)).toBe('# Guide & help\n\nFirst paragraph with bold, link.\n');
  });

  test('takes the body where no element says what the content is', () => {
    expect(parse('<body><nav>Menu</nav><h2>Title</h2><p>One</p><aside>Ad</aside><p>Two</p></body>')).toBe(
      '## Title\n\nOne\n\nTwo\n',
    );
  });

  test('keeps lists, nested lists and numbers as lines', () => {
    const html =
      '<p>Steps</p><ol><li><p>Stop</p></li><li>Start<ul><li>api</li><li>worker</li></ul></li></ol><p>Done</p>';
    expect(parse(html)).toBe('Steps\n\n1. Stop\n2. Start\n  - api\n  - worker\n\nDone\n');
  });

  test('keeps code as it stands, and rows of a table with their cells', () => {
    const html =
      '<pre><code>if (a &lt; b) {\n  return;\n}</code></pre><table><tr><th>Name</th><th>Port</th></tr><tr><td><p>api</p></td><td>7400</td></tr></table>';
    expect(parse(html)).toBe('```\nif (a < b) {\n  return;\n}\n```\n\nName | Port\napi | 7400\n');
  });

  test('joins inline elements without inventing or losing spaces', () => {
    expect(parse('<p>a<b>b</b>c <i>d</i>e<br>f&nbsp;g</p>')).toBe('abc de\nf g\n');
  });

  test('reads a page in steps, wherever they cut it', () => {
    const item = '<p>Some &amp; words, <b>bold</b>.</p>\n';
    expect(parse(`<main>${item.repeat(2000)}</main>`)).toBe('Some & words, bold.\n\n'.repeat(2000).trimEnd() + '\n');
  });

  test('survives broken and hostile markup in linear time', () => {
    expect(parse('<p>one<div>two</p></div><ul><li>three')).toBe('one\n\ntwo\n\n- three\n');
    expect(parse('<nav><p>never closed')).toBe('');
    expect(parse(`${'<div>'.repeat(50_000)}deep`)).toBe('deep\n');
    expect(parse(`${'<'.repeat(200_000)}x`)).toContain('x');
  });
});
