import { progress } from '../harness/progress.ts';
import type { Results } from '../harness/results.ts';
import { seededRandom } from '../data/seeded-random.ts';
import { compareChunks } from './compare-chunks.ts';
import { killProduct } from './kill-product.ts';
import { ingestPeers, onPeer } from './measure-ingest-peers.ts';
import type { PeerWork } from './measure-ingest-peers.ts';
import { readPeerChunks } from './stored-chunks.ts';

const kills = 2;
// Few enough that some of the work is done, and some not begun, when the kill comes.
const lanes = 4;

/** `kill -9` in the middle and the same run again: chunks too many and too few, of each peer and of the product. */
export async function measureKills(results: Results, work: PeerWork & { vectors: string }): Promise<void> {
  const random = seededRandom(21);
  for (const peer of ingestPeers) {
    for (let kill = 0; kill < kills; kill++) {
      const share = 0.3 + 0.4 * random.uniform();
      await onPeer(work, peer, lanes, async ({ run, database, ready, prefix }) => {
        await run(share);
        const again = await run();
        const stored = await readPeerChunks(database, ready.table, prefix);
        const { duplicates, missing, incompleteDocuments } = compareChunks(ready.chunks, stored);
        results.record(`peers.${peer.name}.duplicates_after_kill`, duplicates);
        results.record(`peers.${peer.name}.missing_after_kill`, missing);
        results.record(`peers.${peer.name}.incomplete_documents_after_kill`, incompleteDocuments);
        results.record(`peers.${peer.name}.second_run_failed`, again.done === null ? 1 : 0);
        progress(
          `${peer.name} killed at ${(100 * share).toFixed(0)} %: ${duplicates} too many, ${missing} too few` +
            (again.done === null ? `, second run failed: ${firstLine(again.errors)}` : ''),
        );
      });
    }
  }
  for (let kill = 0; kill < kills; kill++) {
    const { duplicates, missing, sentAgain } = await killProduct(work, 0.3 + 0.4 * random.uniform());
    results.record('kill.duplicates', duplicates);
    results.record('kill.missing', missing);
    results.record('kill.documents_taken_again', sentAgain);
    progress(`Perdure, worker killed: ${duplicates} too many, ${missing} too few`);
  }
}

const firstLine = (errors: string): string => /error: .*/.exec(errors)?.[0] ?? errors.slice(-200);
