import { expect, test } from '@jest/globals';
import type { DocumentSource, ListContext, SourceItem } from '../../../providers/sources/document-source.ts';

/** A source that holds three documents, of which the test may change and remove one. */
export interface ConformingSource {
  open(): DocumentSource;
  /** Opens it with settings under which it cannot be read. */
  openBroken(): DocumentSource;
  /** Paths and the words that their contents hold, in the order of paths. */
  readonly holds: ReadonlyArray<readonly [path: string, words: string]>;
  /** Changes the content of the first document, so that it holds `words`. */
  change(words: string): Promise<void>;
  /** Takes the last document away. */
  remove(): Promise<void>;
}

type Memory = Map<string, Readonly<Record<string, unknown>>>;

const signal = new AbortController().signal;

/** Lists a source to its end, as a sync does: each page once, with what was remembered before. */
export async function listAll(source: DocumentSource, memory: Memory = new Map()): Promise<Map<string, SourceItem>> {
  const items = new Map<string, SourceItem>();
  const waiting: (string | null)[] = [null];
  const seen = new Set<string>();
  for (let pages = 0; waiting.length > 0; pages += 1) {
    if (pages > 1_000) throw new Error('The listing has no end.');
    const context: ListContext = { signal, listed: items.size, recall: async (path) => memory.get(path) ?? null };
    const page = await source.list(waiting.shift()!, context);
    for (const item of page.items) if (!items.has(item.path)) items.set(item.path, item);
    for (const { key, cursor } of page.next)
      if (!seen.has(key)) {
        seen.add(key);
        waiting.push(cursor);
      }
  }
  return items;
}

/** The text of an item, whether it came with the listing or not; null if it is gone. */
export async function textOf(source: DocumentSource, item: SourceItem): Promise<string | null> {
  const asked = { path: item.path, sourceUrl: item.sourceUrl ?? null, memory: item.memory ?? {} };
  const content = item.content ?? (await source.fetch(asked, signal));
  return content && Buffer.from(content.bytes).toString('utf8');
}

/** What every adapter promises; call it in a describe block. */
export function conforms(prepare: () => ConformingSource): void {
  test('says that it can be read, and why it cannot', async () => {
    const one = prepare();
    const source = one.open();
    expect((await source.check(signal)).detail).toMatch(/\w/);
    await source.close();
    const broken = one.openBroken();
    await expect(broken.check(signal)).rejects.toMatchObject({
      code: expect.stringMatching(/^(?:source|fetch|address)_/),
      detail: expect.stringMatching(/\w{3,}/),
    });
    await broken.close();
  });

  test('lists all that it holds, with versions that stay while the content does', async () => {
    const { open, holds } = prepare();
    const source = open();
    const first = await listAll(source);
    expect([...first.keys()].toSorted()).toEqual(holds.map(([path]) => path));
    const memory: Memory = new Map([...first.values()].map((item) => [item.path, item.memory ?? {}]));
    const second = await listAll(source, memory);
    const versions = (items: Map<string, SourceItem>) =>
      Object.fromEntries([...items].map(([path, { version }]) => [path, version]));
    expect(versions(second)).toEqual(versions(first));
    await source.close();
  });

  test('gives the content of each item', async () => {
    const { open, holds } = prepare();
    const source = open();
    const items = await listAll(source);
    for (const [path, words] of holds) expect(await textOf(source, items.get(path)!)).toContain(words);
    await source.close();
  });

  test('shows a change by another version, and what is gone by its absence', async () => {
    const one = prepare();
    const source = one.open();
    const before = await listAll(source);
    const memory: Memory = new Map([...before.values()].map((item) => [item.path, item.memory ?? {}]));
    await one.change('wholly new words');
    await one.remove();
    const after = await listAll(source, memory);
    const [changed] = one.holds[0]!;
    const [gone] = one.holds.at(-1)!;
    const versionOf = (item: SourceItem) => item.version ?? Buffer.from(item.content!.bytes).toString('utf8');
    expect(versionOf(after.get(changed)!)).not.toBe(versionOf(before.get(changed)!));
    expect(await textOf(source, after.get(changed)!)).toContain('wholly new words');
    expect([...after.keys()].toSorted()).toEqual(one.holds.slice(0, -1).map(([path]) => path));
    if (before.get(gone)!.content === undefined) expect(await textOf(source, before.get(gone)!)).toBeNull();
    await source.close();
  });
}
