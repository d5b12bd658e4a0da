/** What a source says of one thing that it holds. */
export interface SourceItem {
  /** Its identity within the source, at most 2,000 characters. */
  readonly path: string;
  readonly title?: string | undefined;
  readonly sourceUrl?: string | undefined;
  readonly author?: string | undefined;
  /** Changes whenever the content does (an ETag, a time, a hash); null when the source cannot tell. */
  readonly version: string | null;
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** What the adapter wants to be reminded of at the next listing or fetch of this path; JSON of a few kilobytes. */
  readonly memory?: Readonly<Record<string, unknown>>;
  /** The content itself, where listing has brought it already. */
  readonly content?: FetchedContent;
  /** Why the source names it and cannot give it: it fails alone. */
  readonly problem?: { readonly code: SourceProblemCode; readonly detail: string };
}

export type SourceProblemCode = 'fetch_refused' | 'fetch_too_large' | 'fetch_not_found' | 'source_unavailable';

/** Bytes of a document, with what the source says of them. */
export interface FetchedContent {
  readonly bytes: Uint8Array;
  readonly mediaType: string | null;
  readonly charset?: string | null;
  /** What the fetch adds to the listing. */
  readonly title?: string | undefined;
  readonly sourceUrl?: string | undefined;
  readonly version?: string | null;
  /** A vector for the whole text, by the model that the configuration names. */
  readonly vector?: Float32Array;
}

/** One page of a listing. */
export interface SourcePage {
  readonly items: readonly SourceItem[];
  /** Pages to list after this one: one for a list, many for a web page with links, none at the end. */
  readonly next: readonly SourceCursor[];
  /** Why the source holds more than its settings let through: nothing is deleted then. */
  readonly incomplete?: string;
}

/** A page to list. Two with the same key are the same page, and the first stays. */
export interface SourceCursor {
  readonly key: string;
  readonly cursor: string;
}

/** What an adapter may ask while it lists. */
export interface ListContext {
  readonly signal: AbortSignal;
  /** The memory of the path from an earlier sync, null if there was none. */
  recall(path: string): Promise<Readonly<Record<string, unknown>> | null>;
  /** How many items this sync has found so far. */
  readonly listed: number;
}

/** What an item is fetched by. */
export interface ItemToFetch {
  readonly path: string;
  readonly sourceUrl: string | null;
  readonly memory: Readonly<Record<string, unknown>>;
}

/** What a look at a source finds; `dimensions` of the vectors that it brings, where it brings any. */
export interface CheckedSource {
  readonly detail: string;
  readonly dimensions?: number;
}

/**
 * Where documents come from. Every call may be repeated; none keeps anything between calls but connections. All throw
 * PerdureError (FetchError where the network is concerned) with a code that tells whether a repetition may help.
 */
export interface DocumentSource {
  /** Whether the source can be read with its configuration and credentials; `detail` is for people. */
  check(signal: AbortSignal): Promise<CheckedSource>;
  /** A page of the listing; null is the first. Pages of one sync may be asked for in any order. */
  list(cursor: string | null, context: ListContext): Promise<SourcePage>;
  /** The content of a listed item; null if it is gone meanwhile. */
  fetch(item: ItemToFetch, signal: AbortSignal): Promise<FetchedContent | null>;
  close(): Promise<void>;
}
