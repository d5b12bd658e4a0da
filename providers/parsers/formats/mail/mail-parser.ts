import type { Address, Attachment, Email } from 'postal-mime';
import { PerdureError } from '../../../../contracts/errors.ts';
import type { DocumentWarning } from '../../../../contracts/names/document-warnings.ts';
import type { BytesParser } from '../../document-parser.ts';
import { decodeBytes } from '../../encoding/decode-bytes.ts';
import { htmlFragmentText } from '../html/html-fragment-text.ts';
import { MarkdownWriter } from '../markdown-writer.ts';
import { readMail } from './mail-text.ts';

// A text part that says less than this part of what the HTML says is a notice that one should read the HTML.
const leastText = 0.3;
// A greeting or a label of a button more or less is no reason to prefer the HTML, whose quotations lose their marks.
const fewestLost = 4;
const readableAttachment = /^text\/(?:plain|csv|markdown|html|calendar|x-log)$/i;
const mostNames = 10;

/**
 * E-mail: the subject as heading, who wrote to whom and when, and the text, from the HTML part if there is no other.
 * Attachments of text follow; the others are named in a warning.
 */
export const mailParser: BytesParser = {
  reads: 'bytes',
  async parse(bytes, { mimeType, limits }) {
    const email = await readMail(bytes);
    if (email.headers.length === 0) {
      throw new PerdureError('document_corrupt', 'The message has no header lines.');
    }
    const writer = new MarkdownWriter(limits.outputCharacters);
    const subject = email.subject?.replaceAll(/\s+/g, ' ').trim() ?? '';
    writer.heading(1, subject);
    writer.block(headerLines(email));
    writeBody(email, writer);
    const skipped: string[] = [];
    for (const attachment of email.attachments) {
      if (!writeAttachment(attachment, writer)) skipped.push(nameOf(attachment));
    }
    return {
      text: writer.text(),
      format: 'markdown',
      mimeType,
      title: subject === '' ? null : subject,
      language: null,
      pages: [],
      boundaries: null,
      warnings: skippedWarning(skipped),
    };
  },
};

function headerLines(email: Email): string {
  const date = email.headers.find(({ key }) => key === 'date')?.value;
  const lines: [string, string][] = [
    ['From', addressText(email.from === undefined ? [] : [email.from])],
    ['To', addressText(email.to ?? [])],
    ['Cc', addressText(email.cc ?? [])],
    ['Date', date ?? ''],
  ];
  return lines
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `${name}: ${value}`)
    .join('\n');
}

function addressText(addresses: readonly Address[]): string {
  return addresses
    .map(({ name, address, group }) => {
      if (group) return `${name}: ${addressText(group)}`;
      if (!address) return name;
      return name === '' || name === address ? address : `${name} <${address}>`;
    })
    .join(', ');
}

function writeBody({ text = '', html = '' }: Email, writer: MarkdownWriter): void {
  const fromHtml = html === '' ? '' : htmlFragmentText(html);
  if (text.trim().length >= leastText * fromHtml.trim().length && !saysLess(text, fromHtml)) {
    writer.block(plainText(text).replaceAll(/\n{3,}/g, '\n\n'));
  } else writer.block(fromHtml);
}

/** Whether the HTML says all that the text does and more, as where a table was left out of the text. */
function saysLess(text: string, fromHtml: string): boolean {
  const [inText, inHtml] = [wordsOf(text), wordsOf(fromHtml)];
  const lost = [...inHtml].filter((word) => !inText.has(word)).length;
  return lost >= fewestLost && lost > 3 * [...inText].filter((word) => !inHtml.has(word)).length;
}

function wordsOf(text: string): Set<string> {
  return new Set(
    text
      .toLowerCase()
      .replaceAll(/https?:\S+/g, ' ')
      .match(/[\p{L}\p{N}]+/gu) ?? [],
  );
}

// A line of dashes below others, as before a signature or around a forwarded message, would make a heading of them.
function plainText(text: string): string {
  return text.replaceAll('\r\n', '\n').replaceAll(/(?<=[^\n])\n(?= {0,3}(?:-+|=+)[ \t]*(?:\n|$))/g, '\n\n');
}

/** @returns whether it could be read. */
function writeAttachment(attachment: Attachment, writer: MarkdownWriter): boolean {
  if (!readableAttachment.test(attachment.mimeType)) return false;
  const bytes =
    typeof attachment.content === 'string' ? Buffer.from(attachment.content) : new Uint8Array(attachment.content);
  try {
    const { text } = decodeBytes(bytes);
    writer.heading(2, `Attachment: ${nameOf(attachment)}`);
    writer.block(/html$/i.test(attachment.mimeType) ? htmlFragmentText(text) : plainText(text));
    return true;
  } catch (error) {
    if (error instanceof PerdureError && error.code === 'document_binary') return false;
    throw error;
  }
}

function nameOf({ filename, mimeType }: Attachment): string {
  return filename?.replaceAll(/\s+/g, ' ').trim() || `one without a name (${mimeType})`;
}

function skippedWarning(names: readonly string[]): DocumentWarning[] {
  if (names.length === 0) return [];
  const more = names.length > mostNames ? ` and ${names.length - mostNames} more` : '';
  const detail = `Attachments are not read: ${names.slice(0, mostNames).join(', ')}${more}. Send them as documents of their own.`;
  return [{ code: 'skipped_attachment', detail }];
}
