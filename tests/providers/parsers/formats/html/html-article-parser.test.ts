import { describe, expect, test } from '@jest/globals';
import type { ParsedDocument } from '../../../../../providers/parsers/document-parser.ts';
import { htmlArticleParser } from '../../../../../providers/parsers/formats/html/html-article-parser.ts';

function parse(html: string): string {
  return parseDocument(html).text;
}

function parseDocument(html: string): ParsedDocument {
  const limits = { outputCharacters: 1_000_000, unpackedBytes: 0, archiveMembers: 0 };
  const input = { mimeType: 'text/html', name: null, charset: null, password: null, limits };
  return htmlArticleParser.parse(html, input) as ParsedDocument;
}

describe('htmlArticleParser', () => {
  test('keeps the main content and drops scripts, styles and navigation', () => {
    const html = `<!doctype html><html><head><title>T</title><style>p{}</style></head><body>
      <nav><ul><li>Home</li></ul></nav><header><h1>Site</h1></header>
      <main><h1>Guide &amp; help</h1><script>alert(1)</script><p>First   paragraph
      with <b>bold</b>, <a href="/x">link</a>.</p><p hidden>secret</p></main>
      <footer>© footer</footer></body></html>`;
    expect(parse(html)).toBe('# Guide & help\n\nFirst paragraph with bold, link.\n');
  });

  test('writes formulas so that their parts are told apart, and drops the signs that copy a title’s address', () => {
    const html = `<h2 id="x">Area<a class="headerlink" href="#x">¶</a></h2><p>It is
      <math><mrow><mfrac><mrow><mi>a</mi><mo>+</mo><mn>1</mn></mrow><mn>2</mn></mfrac><mo>⋅</mo>
      <msup><mi>r</mi><mn>2</mn></msup><msub><mi>h</mi><mi>max</mi></msub></mrow></math>.</p>`;
    expect(parse(html)).toBe('## Area\n\nIt is $\\frac{a+1}{2}⋅r^2h_{max}$ .\n');
  });

  test('leaves out where words may be divided', () => {
    expect(parse('<p>Bundes&shy;regierung, Schiff\u00ADfahrt, &amp;shy;</p>')).toBe(
      'Bundesregierung, Schifffahrt, &shy;\n',
    );
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
    expect(parse(html)).toBe(
      '```\nif (a < b) {\n  return;\n}\n```\n\n| Name | Port |\n| --- | --- |\n| api | 7400 |\n',
    );
  });

  test('joins inline elements without inventing or losing spaces', () => {
    expect(parse('<p>a<b>b</b>c <i>d</i>e<br>f&nbsp;g</p>')).toBe('abc de\nf g\n');
  });

  test('takes the article of a page without menus, teasers and comments, and names it by its heading', () => {
    const paragraph = `<p>${'The council decided on Monday that the bridge will be rebuilt next year. '.repeat(6)}</p>`;
    const links = '<li><a href="/x">More of the news of today</a></li>'.repeat(20);
    const html = `<html lang="en-GB"><head><title>Bridge to be rebuilt | The Daily</title></head><body>
      <div class="menu"><ul>${links}</ul></div><div id="content"><h1>Bridge to be rebuilt</h1>${paragraph.repeat(5)}
      <h2>What it costs</h2>${paragraph}</div><div class="sidebar"><ul>${links}</ul></div></body></html>`;
    const { text, title, language } = parseDocument(html);
    expect(text).toMatch(/^# Bridge to be rebuilt\n\nThe council/);
    expect(text).toContain('\n\n## What it costs\n\n');
    expect(text).not.toContain('More of the news');
    expect([title?.startsWith('Bridge to be rebuilt'), language]).toEqual([true, 'en']);
  });

  test('keeps all of a page that is no article: tables, short lines and headings', () => {
    const rows = Array.from({ length: 40 }, (_, row) => `<tr><td>Item ${row}</td><td>$</td><td>${row}.50</td></tr>`);
    const html = `<body><h2>Prices</h2><table>${rows.join('')}</table><p>Valid from May.</p></body>`;
    const text = parse(html);
    for (let row = 0; row < 40; row += 1) expect(text).toContain(`| Item ${row} | $${row}.50 |`);
    expect(text).toContain('## Prices');
    expect(text).toContain('Valid from May.');
  });

  test('keeps cells that span in their columns, and takes tables that lay out a page apart', () => {
    const data =
      '<table><tr><th>a</th><th colspan="2">b</th></tr><tr><td rowspan="2">1</td><td>2</td><td>3</td></tr><tr><td>4</td><td>5</td></tr></table>';
    expect(parse(data)).toBe('| a | b |  |\n| --- | --- | --- |\n| 1 | 2 | 3 |\n|  | 4 | 5 |\n');
    const layout = '<table><tr><td>Left</td><td><h2>Right</h2><p>Text</p></td></tr></table>';
    expect(parse(layout)).toBe('Left\n\n## Right\n\nText\n');
  });

  test('keeps notes beside the text, sources of quotations and what pictures show, but no advertisement', () => {
    const prose = '<p>The river was crossed by a bridge of stone, which stood for four hundred years, it is said.</p>';
    const page = `<body><main><article><h1>Bridge</h1>${prose.repeat(4)}<aside class="admonition note">Mind the <b>gap</b>.</aside>
      ${prose.repeat(3)}<aside class="ad">Buy now</aside><blockquote>It held.<footer>Ann, mason</footer></blockquote>
      <p><img src="a.png" alt="A drawing of the old bridge"><img src="b.png" alt="logo"></p><menu><li>one</li></menu>
      <figure><img src="c.png" alt="what the caption says"><figcaption>The caption</figcaption></figure></article></main></body>`;
    const text = parse(page);
    for (const kept of ['Mind the gap.', 'Ann, mason', '[Image: A drawing of the old bridge]', '- one', 'The caption'])
      expect(text).toContain(kept);
    for (const left of ['Buy now', 'logo', 'what the caption says']) expect(text).not.toContain(left);
  });

  test('keeps answers and tabs that a click opens, and nothing else that is hidden', () => {
    const text =
      parse(`<body><h1>FAQ</h1><h3>Why?</h3><div style="display:none">Because the pump is old and leaks.</div>
      <h3>How?</h3><div class="menu" style="display:none">One of many entries of a menu.</div>
      <div role="tabpanel" id="tab-panel-2" hidden>Install it with the package manager.</div>
      <p style="display: none">A text that nobody is to see, ever.</p></body>`);
    expect(text).toBe(
      '# FAQ\n\n### Why?\n\nBecause the pump is old and leaks.\n\n### How?\n\nInstall it with the package manager.\n',
    );
  });

  test('survives broken and hostile markup in linear time', () => {
    expect(parse('<p>one<div>two</p></div><ul><li>three')).toBe('one\n\ntwo\n\n- three\n');
    expect(parse('<nav><p>never closed')).toBe('');
    expect(parse(`${'<div>'.repeat(3_000)}deep`)).toBe('deep\n');
    expect(parse(`${'<'.repeat(5_000)}x`).length).toBeGreaterThan(4_000);
  });
});
