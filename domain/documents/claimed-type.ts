import type { DocumentType } from '../../contracts/names/document-types.ts';
import { documentTypeOf } from './media-types.ts';
import type { MediaType } from './media-types.ts';

/** What is said about a document by those who send it, the weightiest first. */
export type DocumentClaim = {
  readonly documentType?: DocumentType | undefined;
  /** The document's path or file name. */
  readonly name?: string | null | undefined;
  /** A media type, with or without parameters. */
  readonly mediaType?: string | null | undefined;
};

const ooxml = 'application/vnd.openxmlformats-officedocument';

const byExtension: ReadonlyArray<readonly [RegExp, MediaType]> = [
  [/^(?:md|mdx|mdown|mkd|markdown)$/, 'text/markdown'],
  [/^(?:txt|text|log|asc)$/, 'text/plain'],
  [/^(?:html?|xhtml|xht|shtml)$/, 'text/html'],
  [/^csv$/, 'text/csv'],
  [/^(?:tsv|tab)$/, 'text/tab-separated-values'],
  [/^(?:json|geojson|webmanifest)$/, 'application/json'],
  [/^(?:jsonl|ndjson)$/, 'application/x-ndjson'],
  [/^ipynb$/, 'application/x-ipynb+json'],
  [/^(?:xml|rss|atom|rdf|xsd|xslt?|wsdl|opml|dita|tei|xliff?|svg|kml|gpx)$/, 'application/xml'],
  [/^(?:eml|mht|mhtml)$/, 'message/rfc822'],
  [/^rtf$/, 'application/rtf'],
  [/^pdf$/, 'application/pdf'],
  [/^(?:docx|docm|dotx|dotm)$/, `${ooxml}.wordprocessingml.document`],
  [/^(?:pptx|pptm|ppsx|ppsm|potx|potm)$/, `${ooxml}.presentationml.presentation`],
  [/^(?:xlsx|xlsm|xltx|xltm)$/, `${ooxml}.spreadsheetml.sheet`],
  [
    /^(?:[cm]?[jt]sx?|py[wi]?|rb|go|rs|java|kts?|scala|groovy|gradle|c|h|cc|cpp|cxx|hpp|hh|hxx|ino|cs|fs|vb|php|swift|mm?|sh|bash|zsh|fish|ps1|bat|cmd|sql|css|scss|sass|less|ya?ml|toml|ini|cfg|conf|properties|lua|pl|pm|r|jl|dart|ex|exs|erl|hrl|clj[cs]?|hs|elm|ml|mli|zig|nim|sol|proto|graphql|gql|tf|vue|svelte|astro|asm|s|f90|pas|cmake|mk|diff|patch|el|lisp|scm|rkt|tcl|awk|jsp|aspx?|erb|ejs|twig|hbs)$/,
    'text/x-source',
  ],
];
const codeNames =
  /^(?:dockerfile|makefile|rakefile|gemfile|jenkinsfile|vagrantfile|cmakelists\.txt|\.?(?:bashrc|zshrc|profile|gitignore|editorconfig))$/;

const byMediaType: Readonly<Record<string, MediaType>> = {
  'text/x-markdown': 'text/markdown',
  'application/xhtml+xml': 'text/html',
  'application/csv': 'text/csv',
  'text/json': 'application/json',
  'application/jsonl': 'application/x-ndjson',
  'application/x-jsonlines': 'application/x-ndjson',
  'text/xml': 'application/xml',
  'application/rss+xml': 'application/xml',
  'application/atom+xml': 'application/xml',
  'text/rtf': 'application/rtf',
  'application/vnd.ms-word.document.macroenabled.12': `${ooxml}.wordprocessingml.document`,
  'application/vnd.ms-powerpoint.presentation.macroenabled.12': `${ooxml}.presentationml.presentation`,
  'application/vnd.ms-excel.sheet.macroenabled.12': `${ooxml}.spreadsheetml.sheet`,
  'application/javascript': 'text/x-source',
  'text/javascript': 'text/x-source',
  'text/css': 'text/x-source',
  'application/x-sh': 'text/x-source',
  'application/sql': 'text/x-source',
  'application/yaml': 'text/x-source',
};

/**
 * The media type that a document is said to have: by its declared document type, by the ending of its name, by its media
 * type; null if nothing says anything. `text/plain` as a media type says nothing: it is what clients send by default.
 */
export function claimedMediaType({ documentType, name, mediaType }: DocumentClaim): MediaType | null {
  if (documentType !== undefined) return mediaTypeOf(documentType);
  const file = name?.split(/[\\/]/).at(-1)?.toLowerCase() ?? '';
  if (codeNames.test(file)) return 'text/x-source';
  const extension = /\.([^.]+)$/.exec(file)?.[1] ?? '';
  const named = byExtension.find(([endings]) => endings.test(extension))?.[1];
  if (named) return named;
  const essence = mediaType?.split(';')[0]?.trim().toLowerCase() ?? '';
  if (essence === '' || essence === 'text/plain') return null;
  if (essence in documentTypeOf) return essence as MediaType;
  if (essence.startsWith('text/x-') && !(essence in byMediaType)) return 'text/x-source';
  return byMediaType[essence] ?? null;
}

/** The charset in a media type's parameters, if there is one. */
export function claimedCharset(mediaType: string | null | undefined): string | null {
  return /;\s*charset\s*=\s*"?([^\s;"]+)/i.exec(mediaType ?? '')?.[1] ?? null;
}

function mediaTypeOf(documentType: DocumentType): MediaType {
  const found = Object.entries(documentTypeOf).find(([, type]) => type === documentType);
  return (found?.[0] ?? 'text/plain') as MediaType;
}

/** A claim as one media type with its charset, to be kept with the document; null if nothing is claimed. */
export function writeClaim(claim: DocumentClaim): string | null {
  const essence = claimedMediaType(claim);
  const charset = claimedCharset(claim.mediaType);
  if (essence === null && charset === null) return null;
  return `${essence ?? '*/*'}${charset === null ? '' : `; charset=${charset}`}`;
}

/** Reads what `writeClaim` wrote. */
export function readClaim(written: string | null): { claimed: MediaType | null; charset: string | null } {
  const essence = written?.split(';')[0]?.trim() ?? '';
  return { claimed: essence in documentTypeOf ? (essence as MediaType) : null, charset: claimedCharset(written) };
}
