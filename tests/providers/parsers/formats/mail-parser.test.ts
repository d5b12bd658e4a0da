import { describe, expect, test } from '@jest/globals';
import { mailParser } from '../../../../providers/parsers/formats/mail/mail-parser.ts';
import { parseBytes } from './parse-bytes.ts';

const latin1 = (text: string): Uint8Array => Buffer.from(text, 'latin1');

describe('mailParser', () => {
  test('takes the subject as title and heading, and decodes words in headers', async () => {
    const mail = latin1(
      'Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?= =?iso-2022-jp?B?GyRCRnxLXBsoQg==?=\r\nFrom: =?gb2312?B?xOO6ww==?= <a@b.c>\r\nTo: d@e.f\r\nDate: Fri, 16 Dec 2022 17:04:16 -0500\r\n\r\nHello\r\n',
    );
    const { text, title } = await parseBytes(mailParser, mail);
    expect(title).toBe('Grüße日本');
    expect(text).toBe('# Grüße日本\n\nFrom: 你好 <a@b.c>\nTo: d@e.f\nDate: Fri, 16 Dec 2022 17:04:16 -0500\n\nHello\n');
  });

  test('reads quoted-printable and base64, and takes HTML where the text says too little', async () => {
    const mail = latin1(
      [
        'Subject: s', 'Content-Type: multipart/alternative; boundary=x', '', '--x', 'Content-Type: text/plain', '', 'See HTML', '--x',
        'Content-Type: text/html; charset=utf-8', 'Content-Transfer-Encoding: quoted-printable', '',
        `<style>p{}</style><h2>Title</h2><p>${'Caf=C3=A9 '.repeat(20)}</p>`, '--x--', '',
      ].join('\r\n'),
    ); // prettier-ignore
    const { text } = await parseBytes(mailParser, mail);
    expect(text).toContain('## Title\n\nCafé Café');
    expect(text).not.toContain('See HTML');
    const encoded = latin1(`Subject: s\r\nContent-Transfer-Encoding: base64\r\n\r\n${btoa('plain words')}\r\n`);
    expect((await parseBytes(mailParser, encoded)).text).toContain('plain words');
  });

  test('takes the HTML where the text leaves out what it says, and the text where it only looks better', async () => {
    const mail = (text: string, html: string) =>
      latin1(
        `Subject: s\r\nContent-Type: multipart/alternative; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain\r\n\r\n${text}\r\n--x\r\nContent-Type: text/html\r\n\r\n${html}\r\n--x--\r\n`,
      );
    const said = 'Here is what you have ordered of us this week.';
    const table = '<table><tr><th>Part</th><th>Price</th></tr><tr><td>Bolt</td><td>5</td></tr></table>';
    expect((await parseBytes(mailParser, mail(said, `<p>${said}</p>${table}`))).text).toContain('| Bolt | 5 |');
    const quoted = `${said}\r\n\r\n> So it was said before.`;
    const same = `<p>${said}</p><blockquote>So it was said before.</blockquote><a href="x">Unsubscribe</a>`;
    expect((await parseBytes(mailParser, mail(quoted, same))).text).toContain('> So it was said before.');
  });

  test('makes no headings of what stands above a line of dashes', async () => {
    const mail = latin1(
      [
        'Subject: s', 'Content-Type: multipart/mixed; boundary=x', '', '--x', 'Content-Type: text/plain', '',
        'Kind regards', '-- ', 'Ada', '--x', 'Content-Type: message/rfc822', '', 'Subject: inner', 'From: a@b.c', '', 'Forwarded',
        '--x--', '',
      ].join('\r\n'),
    ); // prettier-ignore
    const { text } = await parseBytes(mailParser, mail);
    expect(text).toContain('Kind regards\n\n-- \nAda');
    expect(text).toMatch(/Subject: inner\n\n-+\n/);
    expect(text).not.toMatch(/\S\n *(?:-+|=+) *\n/);
  });

  test('R12: reads text whose declared charset is wrong or missing', async () => {
    const sentence = 'Die Größe der Äpfel für Müller ist schön, sagte Jürgen. Über Österreich weiß man viel.';
    const missing = latin1(`From: J\u00fcrgen <x@y.z>\r\nSubject: Gr\u00f6\u00dfe pr\u00fcfen\r\n\r\n${sentence}\r\n`);
    expect((await parseBytes(mailParser, missing)).text).toContain(sentence);
    expect((await parseBytes(mailParser, missing)).title).toBe('Größe prüfen');
    const wrong = latin1(`Subject: s\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n${sentence}\r\n`);
    expect((await parseBytes(mailParser, wrong)).text).toContain(sentence);
  });

  test.each(['us-ascii', 'iso-8859-1', 'windows-1252'])('R12: reads UTF-8 that is said to be %s', async (charset) => {
    const sentence = 'Größe und naïve Wörter, 東京 dazu – “so”.';
    const mail = Buffer.from(`Subject: s\r\nContent-Type: text/plain; charset=${charset}\r\n\r\n${sentence}\r\n`);
    expect((await parseBytes(mailParser, mail)).text).toContain(sentence);
    const right = latin1(
      `Subject: s\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\r\nGr\u00f6\u00dfe \u00c3\u00a4\r\n`,
    );
    expect((await parseBytes(mailParser, right)).text).toContain('Größe Ã¤');
  });

  test('reads attachments of text and names the others in a warning', async () => {
    const part = (type: string, name: string, content: string): string =>
      `--x\r\nContent-Type: ${type}\r\nContent-Disposition: attachment; filename="${name}"\r\n\r\n${content}\r\n`;
    const mail = latin1(
      `Subject: s\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain\r\n\r\nBody\r\n${part('text/csv', 'a.csv', 'n,m')}${part('application/pdf', 'b.pdf', '%PDF')}--x--\r\n`,
    );
    const { text, warnings } = await parseBytes(mailParser, mail);
    expect(text).toBe('# s\n\nBody\n\n## Attachment: a.csv\n\nn,m\n');
    expect(warnings).toEqual([
      { code: 'skipped_attachment', detail: 'Attachments are not read: b.pdf. Send them as documents of their own.' },
    ]);
  });
});
