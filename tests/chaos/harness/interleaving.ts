import { setTimeout as sleep } from 'node:timers/promises';
import { RefusedError } from './api-client.ts';
import { composeText } from './compose-text.ts';
import { providerWords } from './proxies/provider-proxy.ts';
import type { ProxiedStack } from './proxied-stack.ts';
import type { ResurrectionWatch } from './resurrection-watch.ts';
import type { Findings } from './round-context.ts';
import { findWord, sagaNames } from './saga-workspace.ts';
import type { SeededRandom } from './seeded-random.ts';

/** What clients do with a document. */
export const operations = ['ingest', 'delete', 'retry', 'cancel'] as const;
type Operation = (typeof operations)[number];

/** How often each operation was accepted, and how often refused because there was nothing to do. */
export type Tally = Record<Operation, { accepted: number; refused: number }>;

type Shown = {
  id: string;
  status: string;
  active_generation: number | null;
  latest: { generation: number; state: string } | null;
};

type Kind = 'plain' | 'refused' | 'slow' | 'stuck';

/** What is done to a path with no chance in it: so few interleavings that one operation or end is missing prove nothing of it. */
export type SureCourse = { kind: Kind; next: Operation };

/** A failure that is retried in vain, a cancel that meets work, and a delete. */
export const sureCourses: readonly SureCourse[] = [
  { kind: 'refused', next: 'retry' },
  { kind: 'stuck', next: 'cancel' },
  { kind: 'plain', next: 'delete' },
];

const clients = 3;
const sourceOf = sagaNames.source;

/**
 * Some clients at once do random things with one path: each version has a word of its own, some versions cannot be
 * embedded, some are slow. Whatever their order: nothing deleted comes back, nothing superseded is found, and all end.
 */
export class Interleaving {
  readonly findings: Findings = [];
  readonly #stack: ProxiedStack;
  readonly #watch: ResurrectionWatch;
  readonly #name: string;
  readonly #tally: Tally;
  readonly #ends: Record<string, number>;
  /** The words of each accepted generation, by document. */
  readonly #words = new Map<string, Map<number, string>>();
  readonly #deleted = new Set<string>();
  #current: string | null = null;
  #versions = 0;

  constructor(stack: ProxiedStack, watch: ResurrectionWatch, name: string, tally: Tally, ends: Record<string, number>) {
    this.#stack = stack;
    this.#watch = watch;
    this.#name = name;
    this.#tally = tally;
    this.#ends = ends;
  }

  /** With a sure course there is one client, which does that alone. */
  async run(random: SeededRandom, course: SureCourse | null): Promise<Findings> {
    await this.#ingest(random.fork('first'), course?.kind);
    if (course && this.#current !== null) {
      if (course.kind !== 'stuck') await this.#ended(this.#current);
      await this.#do(course.next, random.fork(course.next));
    }
    await Promise.all(
      Array.from({ length: course ? 0 : clients }, async (_, client) => {
        const own = random.fork(`client ${client}`);
        for (let left = own.between(1, 3); left > 0; left -= 1) {
          await sleep(own.between(0, 250));
          const operation = own.pick(['ingest', 'ingest', 'ingest', 'delete', 'retry', 'cancel'] as const);
          await this.#do(operation, own.fork(`${operation} ${left}`));
        }
      }),
    );
    for (const [documentId, words] of this.#words) await this.#verifyEnd(documentId, words);
    return this.findings;
  }

  async #do(operation: Operation, random: SeededRandom): Promise<void> {
    if (operation === 'ingest') return this.#ingest(random);
    const documentId = this.#current;
    if (documentId === null) return undefined;
    const counted = this.#tally[operation];
    try {
      if (operation === 'delete') await this.#delete(documentId);
      else
        await this.#stack.api.request(
          'POST',
          `/documents/${documentId}/${operation}`,
          {},
          `${this.#name} ${random.next()}`,
        );
      counted.accepted += 1;
    } catch (error) {
      // Another client was first: deleted already, or nothing there to cancel or retry.
      if (!(error instanceof RefusedError) || !/: (?:404|409) /.test(error.message)) throw error;
      counted.refused += 1;
    }
    return undefined;
  }

  async #ingest(random: SeededRandom, chosen?: Kind): Promise<void> {
    this.#versions += 1;
    const word = `${this.#name}v${String(this.#versions).padStart(2, '0')}`;
    const drawn = random.pick(['plain', 'plain', 'plain', 'plain', 'refused', 'slow'] as const);
    const kind: Kind = chosen ?? drawn;
    const { document } = await this.#stack.api.request<{ document: Shown }>(
      'POST',
      '/documents',
      {
        title: this.#name,
        path: `mix/${this.#name}.md`,
        knowledge_source: sourceOf,
        document_type: 'markdown',
        is_global: true,
        text: composeText(random, random.between(3, 16), kind === 'plain' ? [word] : [word, providerWords[kind]]),
      },
      word,
    );
    this.#current = document.id;
    this.#tally.ingest.accepted += 1;
    const words = this.#words.get(document.id) ?? new Map<number, string>();
    words.set(document.latest?.generation ?? 0, word);
    this.#words.set(document.id, words);
  }

  /** Final once answered: no row is left, and no word of it is found. */
  async #delete(documentId: string): Promise<void> {
    await this.#stack.api.request('DELETE', `/documents/${documentId}`);
    this.#deleted.add(documentId);
    await this.#watch.add(documentId);
    for (const word of this.#words.get(documentId)?.values() ?? [])
      if ((await findWord(this.#stack, sourceOf, word)).includes(documentId))
        this.findings.push(`${this.#name}: ${word} of deleted document ${documentId} is found`);
  }

  async #verifyEnd(documentId: string, words: ReadonlyMap<number, string>): Promise<void> {
    const shown = this.#deleted.has(documentId) ? null : await this.#ended(documentId);
    const active = shown?.active_generation ?? 0;
    const end = shown?.status ?? 'deleted';
    this.#ends[end] = (this.#ends[end] ?? 0) + 1;
    // A retry serves the words of the generation that failed or was cancelled under a number of its own.
    const served = Math.max(0, ...[...words.keys()].filter((generation) => generation <= active));
    for (const [generation, word] of words) {
      const found = (await findWord(this.#stack, sourceOf, word)).includes(documentId);
      if (found === (generation === served)) continue;
      const said = `${word} of generation ${generation} is ${found ? 'found' : 'not found'}`;
      const state = shown === null ? 'deleted' : `${shown.status}, served is ${active}`;
      this.findings.push(`${this.#name}: ${said}, the document (${documentId}) is ${state}`);
    }
  }

  async #ended(documentId: string): Promise<Shown | null> {
    const deadline = Date.now() + 90_000;
    for (;;) {
      const shown = await this.#stack.api.request<Shown>('GET', `/documents/${documentId}`).catch((error: unknown) => {
        if (error instanceof RefusedError && error.message.includes(': 404 ')) return null;
        throw error;
      });
      if (shown === null || ['ready', 'failed', 'cancelled'].includes(shown.status)) return shown;
      if (Date.now() > deadline) {
        this.findings.push(`${this.#name}: document ${documentId} is ${shown.status} after 90 s`);
        return shown;
      }
      await sleep(100);
    }
  }
}
