/** What is known about a chunk when it is embedded and indexed; `content` is the chunk's own text. */
export interface ChunkInContext {
  readonly title: string | null;
  readonly headings: readonly string[];
  readonly tableHeader: string | null;
  readonly content: string;
}

/** The most tokens that a model reads of one text, without its own markers, and how it counts them. */
export interface TokenRoom {
  readonly tokens: number;
  countTokens(text: string): number;
}

const separator = ' › ';

/**
 * The text of a chunk that is embedded and indexed: a line of the document's title and the headings above the chunk
 * (without the one it begins with itself), the header of the table that it continues, then its content. With `room`,
 * the context is cut to what the content leaves: outer headings go first, then the title; the content always stays
 * whole. The same chunk always has the same text.
 */
export function embeddingText(chunk: ChunkInContext, room?: TokenRoom): string {
  const places = placesOf(chunk);
  const line = (names: readonly string[]) => (names.length > 0 ? `${names.join(separator)}\n` : '');
  const header = chunk.tableHeader === null ? '' : `${chunk.tableHeader}\n`;
  if (room === undefined) return line(places) + header + chunk.content;
  let left = room.tokens - room.countTokens(chunk.content);
  const takes = (text: string): boolean => {
    const tokens = text === '' ? 0 : room.countTokens(text);
    if (tokens > left) return false;
    left -= tokens;
    return true;
  };
  const keptHeader = takes(header) ? header : '';
  const kept = new Set<string>();
  for (const place of byWorth(places, chunk.title !== null)) {
    if (!takes(`${place}${separator}`)) break;
    kept.add(place);
  }
  return line(places.filter((place) => kept.has(place))) + keptHeader + chunk.content;
}

function placesOf(chunk: ChunkInContext): string[] {
  const ownHeading = plain(chunk.content.split('\n', 1)[0]!.replaceAll(/^[\s#]+|[\s#]+$/g, ''));
  const places = [chunk.title ?? '', ...chunk.headings].map(plain);
  return [...new Set(places)].filter((place) => place !== '' && place !== ownHeading);
}

/** The innermost heading says most about a chunk, then the document's title, then what lies between, from within. */
function byWorth(places: readonly string[], titled: boolean): string[] {
  const [first, ...others] = places;
  if (first === undefined || !titled) return [...places].reverse();
  const inner = others.pop();
  return [...(inner === undefined ? [] : [inner]), first, ...others.reverse()];
}

function plain(name: string): string {
  return name.replaceAll(/\s+/g, ' ').trim();
}
