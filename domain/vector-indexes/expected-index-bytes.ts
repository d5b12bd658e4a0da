const pageBytes = 8192;
// A page's header, pgvector's own words at its end, and the pointer to each item.
const usablePageBytes = 8192 - 24 - 8;
const itemPointerBytes = 4;
// A neighbour is a pointer of six bytes; an element has room for ten pointers to rows with the same vector.
const elementHeaderBytes = 72;
const neighboursHeaderBytes = 4;
const neighbourBytes = 6;

/**
 * Size in bytes of an HNSW index that was just built over so many vectors: each is an element with its vector, and its
 * neighbours, 2m of them on the lowest level (pgvector's src/hnsw.h). Few vectors reach higher levels, which is left out.
 */
export function expectedIndexBytes({ rows, ...index }: { rows: number; dimensions: number; m: number }): number {
  return Math.ceil(rows / rowsPerPage(index) + 1) * pageBytes;
}

/** How many vectors, at the most, an HNSW index of this size holds, dead ones among them. */
export function mostIndexedRows({ bytes, ...index }: { bytes: number; dimensions: number; m: number }): number {
  return Math.floor((bytes / pageBytes - 1) * rowsPerPage(index));
}

function rowsPerPage({ dimensions, m }: { dimensions: number; m: number }): number {
  // Above 2,000 dimensions the index holds half precision.
  const vector = 8 + dimensions * (dimensions <= 2000 ? 4 : 2);
  const element = aligned(elementHeaderBytes + vector) + itemPointerBytes;
  const neighbours = aligned(neighboursHeaderBytes + 2 * m * neighbourBytes) + itemPointerBytes;
  const together = Math.floor(usablePageBytes / (element + neighbours));
  return together > 0 ? together : 1 / (1 + 1 / Math.floor(usablePageBytes / neighbours));
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / 8) * 8;
}
