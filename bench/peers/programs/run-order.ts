import { readFile } from 'node:fs/promises';
import { ClusteredVectors } from '../../data/clustered-vectors.ts';
import type { IngestOrder, PeerDone, PeerReady } from '../ingest-order.ts';

/** What a peer's program is made of: how it prepares, and how it ingests some documents. */
export interface Peer {
  ready: PeerReady;
  ingest(lane: number, documents: IngestOrder['documents']): Promise<void>;
}

/** Reads the order named on the command line, says when the peer is ready, and ingests when told to. */
export async function runOrder(prepare: (order: IngestOrder) => Promise<Peer>): Promise<void> {
  const order = JSON.parse(await readFile(process.argv[2]!, 'utf8')) as IngestOrder;
  const peer = await prepare(order);
  const told = new Promise((resolve) => process.once('message', resolve));
  process.once('disconnect', () => process.exit(1));
  process.send!(peer.ready);
  await told;
  const before = process.cpuUsage();
  const parts: IngestOrder['documents'][] = [];
  for (let from = 0; from < order.documents.length; from += order.documentsPerCall) {
    parts.push(order.documents.slice(from, from + order.documentsPerCall));
  }
  await Promise.all(
    Array.from({ length: order.lanes }, async (_, lane) => {
      for (let part = parts.shift(); part !== undefined; part = parts.shift()) await peer.ingest(lane, part);
    }),
  );
  const { user, system } = process.cpuUsage(before);
  process.send!({ cpuSeconds: (user + system) / 1e6 } satisfies PeerDone, () => process.exit(0));
}

/** A vector for each text, drawn as for the product's own chunks, so that the index has the same work. */
export function drawVectors(documents: readonly (readonly string[])[]): Map<string, number[]> {
  const vectors = new ClusteredVectors(1).reseed(13);
  return new Map(
    documents.flatMap((texts) => {
      const { centre } = vectors.document();
      return texts.map((text) => [text, [...vectors.chunk(centre)]] as const);
    }),
  );
}
