import { PerdureError } from '../../../contracts/errors.ts';
import type { MediaType } from '../../../domain/documents/media-types.ts';
import { ZipArchive } from '../formats/office/zip-archive.ts';

const ooxml = 'application/vnd.openxmlformats-officedocument';
const officeParts: ReadonlyArray<readonly [RegExp, MediaType]> = [
  [/^word\//i, `${ooxml}.wordprocessingml.document`],
  [/^ppt\//i, `${ooxml}.presentationml.presentation`],
  [/^xl\//i, `${ooxml}.spreadsheetml.sheet`],
];
const otherArchives: ReadonlyArray<readonly [RegExp, string]> = [
  [/^xl\/workbook\.bin$/i, 'a binary Excel workbook (xlsb)'],
  [/^visio\//i, 'a Visio drawing'],
  [/^META-INF\/container\.xml$/, 'an EPUB book'],
  [/^content\.xml$/, 'an OpenDocument file'],
  [/^META-INF\/MANIFEST\.MF$/, 'a Java archive'],
  [/^AndroidManifest\.xml$/, 'an Android package'],
  [/^Index\/Document\.iwa$/, 'an Apple iWork document'],
];
// What older Office programs name their streams, in UTF-16LE as the directory of the file has it.
const oleStreams: ReadonlyArray<readonly [string, string]> = [
  ['WordDocument', 'a Word document of before 2007 (doc)'],
  ['PowerPoint Document', 'a PowerPoint presentation of before 2007 (ppt)'],
  ['Workbook', 'an Excel workbook of before 2007 (xls)'],
  ['__properties_version1.0', 'an Outlook message (msg)'],
];
const oleMark = Buffer.from([0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]);
// Of an archive only the directory is read here; what it unpacks to is counted when it is read.
const directoryLimits = { unpackedBytes: 0, archiveMembers: 50_000 };

/**
 * Finds what a PDF, a ZIP archive or an OLE file is; null if the bytes are none of these. What is claimed counts only
 * for an archive that is cut off.
 * @throws PerdureError `unsupported_media_type` naming what it is if that cannot be read.
 */
export function sniffContainer(bytes: Buffer, claimed: MediaType | null): MediaType | null {
  if (isPdf(bytes)) return 'application/pdf';
  if (
    bytes.subarray(0, 4).equals(Buffer.from('PK\x03\x04')) ||
    bytes.subarray(0, 4).equals(Buffer.from('PK\x05\x06'))
  ) {
    return sniffArchive(bytes, claimed);
  }
  return bytes.subarray(0, 8).equals(oleMark) ? sniffOle(bytes) : null;
}

/** Readers allow a header that does not stand at the very begin; a text may speak of one. */
function isPdf(bytes: Buffer): boolean {
  const header = bytes.subarray(0, 1024).indexOf('%PDF-');
  return header === 0 || (header > 0 && [' obj', 'startxref'].some((part) => bytes.includes(part)));
}

function sniffArchive(bytes: Buffer, claimed: MediaType | null): MediaType {
  const { names, whole } = memberNames(bytes);
  const other = otherArchives.find(([pattern]) => names.some((name) => pattern.test(name)))?.[1];
  if (other === 'a binary Excel workbook (xlsb)') throw refuse(other);
  const office = officeParts.find(([pattern]) => names.some((name) => pattern.test(name)))?.[1];
  if (office) return office;
  // Cut off: what there is of it is for its parser to judge.
  if (!whole && claimed?.startsWith(ooxml)) return claimed;
  throw refuse(other ?? 'a ZIP archive', other ? undefined : 'Unpack it and send the documents that are in it.');
}

function memberNames(bytes: Buffer): { names: string[]; whole: boolean } {
  try {
    return { names: new ZipArchive(bytes, directoryLimits).names(), whole: true };
  } catch (error) {
    if (!(error instanceof PerdureError)) throw error;
    // Cut off before its directory: its members still name themselves.
    const names: string[] = [];
    for (let at = bytes.indexOf('PK\x03\x04', 0, 'latin1'); at >= 0 && names.length < 1000;) {
      if (at + 30 <= bytes.length) names.push(bytes.toString('latin1', at + 30, at + 30 + bytes.readUInt16LE(at + 26)));
      at = bytes.indexOf('PK\x03\x04', at + 4, 'latin1');
    }
    return { names, whole: false };
  }
}

function sniffOle(bytes: Buffer): MediaType {
  const holds = (name: string): boolean => bytes.includes(Buffer.from(name, 'utf16le'));
  if (holds('EncryptedPackage')) return 'application/x-encrypted-office';
  const stream = oleStreams.find(([name]) => holds(name));
  throw refuse(stream?.[1] ?? 'an OLE compound file', 'Save it in a format of today and send that.');
}

function refuse(what: string, advice = 'Convert it to a format that can be read and send that.'): PerdureError {
  return new PerdureError('unsupported_media_type', `This is ${what}, which cannot be read. ${advice}`);
}
