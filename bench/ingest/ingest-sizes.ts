/** Below 1 for trying the bench out; the results then mean nothing. */
const scale = Number(process.env.PERDURE_BENCH_SCALE ?? 1);
const scaled = (size: number) => Math.max(1, Math.round(size * scale));

/** Length of each uploaded document: about 27 chunks. What the work of a whole document costs shows in shorter ones. */
export const documentCharacters = Number(process.env.PERDURE_BENCH_DOCUMENT_CHARACTERS ?? 20_000);

/** Documents a round with the local model. */
export const localDocuments = scaled(400_000 / documentCharacters);

/** Documents a round with free vectors. */
export const freeDocuments = scaled(2_000_000 / documentCharacters);

/** Documents that are stored by each way before its clock starts. */
export const warmUpDocuments = Math.max(1, Math.round(160_000 / documentCharacters));

/** Chunks that are there before a round with free vectors; the first size's metrics have plain names. */
export const presentChunks = [scaled(8_000), scaled(100_000)] as const;

/** Documents of 10 kB whose way from the upload to the first hit is timed, one after the other. */
export const searchableDocuments = scaled(20);
export const searchableCharacters = 10_000;

/** Documents of about ten chunks for watching cost and memory while a database grows, and after how many to look. */
export const growthCharacters = 7_000;
export const growthSteps = [100, 300, 1_000, 3_000, 10_000].map(scaled);
