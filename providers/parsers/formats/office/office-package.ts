import { PerdureError } from '../../../../contracts/errors.ts';
import type { ParseLimits } from '../../document-parser.ts';
import { childOf, elementsOf, parseXml, textOf } from './xml-element.ts';
import type { XmlElement } from './xml-element.ts';
import { ZipArchive } from './zip-archive.ts';

/** A pointer from one part to another, or to an address outside the document. */
export interface Relationship {
  readonly id: string;
  /** The last segment of the relationship's type, such as `styles`. */
  readonly kind: string;
  /** A part's name, or the address as it is when external. */
  readonly target: string;
  readonly external: boolean;
}

/** The parts of an Office Open XML document (ISO/IEC 29500-2) and how they refer to each other. */
export class OfficePackage {
  private readonly archive: ZipArchive;

  /** @throws PerdureError as ZipArchive does. */
  constructor(bytes: Uint8Array, limits: ParseLimits) {
    this.archive = new ZipArchive(bytes, limits);
  }

  names(): string[] {
    return this.archive.names();
  }

  /** @throws PerdureError as ZipArchive does; so do `xml` and what follows. */
  bytes(part: string): Uint8Array | null {
    return this.archive.read(part);
  }

  xml(part: string): XmlElement | null {
    const bytes = this.archive.read(part);
    return bytes && parseXml(bytes);
  }

  /** The relationships of a part, or of the document when the name is ''; none if they are missing. */
  relationships(part: string): Relationship[] {
    const folder = part.slice(0, part.lastIndexOf('/') + 1);
    const root = this.xml(`${folder}_rels/${part.slice(folder.length)}.rels`);
    if (root === null) return [];
    return elementsOf(root).flatMap(({ attributes }) => {
      const { Id: id, Target: target, Type: type = '', TargetMode: mode } = attributes;
      if (id === undefined || target === undefined) return [];
      const external = mode === 'External';
      return [
        {
          id,
          kind: type.slice(type.lastIndexOf('/') + 1),
          target: external ? target : resolve(folder, target),
          external,
        },
      ];
    });
  }

  /** The first part of a kind that another one refers to. */
  related(part: string, kind: string): string | null {
    return this.relationships(part).find((relation) => relation.kind === kind && !relation.external)?.target ?? null;
  }

  /**
   * The part that the document begins with; `usual` where relationships are damaged.
   * @throws PerdureError `document_corrupt` if it is missing.
   */
  main(usual: string): { part: string; root: XmlElement } {
    const named = this.related('', 'officeDocument');
    for (const part of named === null ? [usual] : [named, usual]) {
      const root = this.xml(part);
      if (root !== null && root.name !== '') return { part, root };
    }
    throw new PerdureError('document_corrupt', `The document's main part, ${usual}, is missing or empty.`);
  }

  /** The title and the language (ISO 639-1) that the document's properties name. */
  properties(): { title: string | null; language: string | null } {
    const core = this.xml(this.related('', 'core-properties') ?? 'docProps/core.xml') ?? undefined;
    const title = childOf(core, 'dc:title');
    const language = childOf(core, 'dc:language');
    return {
      title: (title && textOf(title).trim()) || null,
      language: (language && /^([a-z]{2})(?:[-_]|$)/i.exec(textOf(language).trim())?.[1]?.toLowerCase()) || null,
    };
  }
}

function resolve(folder: string, target: string): string {
  const segments: string[] = [];
  const path = target.replaceAll('\\', '/');
  for (const segment of (path.startsWith('/') ? path : `${folder}${path}`).split('/')) {
    if (segment === '..') segments.pop();
    else if (segment !== '' && segment !== '.') segments.push(segment);
  }
  return segments.join('/');
}
