import { describe, expect, test } from '@jest/globals';
import { plotGrowth } from '../../bench/ingest/plot-growth.ts';

const metrics = {
  'growth.to_1000_chunks.cpu_ms_per_chunk': 4,
  'growth.to_1000_chunks.raw_cpu_ms_per_chunk': 1,
  'growth.to_1000_chunks.worker_mb': 300,
  'growth.to_1000_chunks.worker_live_mb': 90,
  'growth.to_100000_chunks.cpu_ms_per_chunk': 6,
  'growth.to_100000_chunks.raw_cpu_ms_per_chunk': 2,
  'growth.to_100000_chunks.worker_mb': 310,
  'growth.to_100000_chunks.worker_live_mb': 95,
  'growth.live_mb_per_1000_documents': 0.05,
};

describe('the plot of growth', () => {
  const svg = plotGrowth(metrics, 'some <machine> & load');

  test('draws each measured size from the left edge to the right, higher values above lower ones', () => {
    const lines = [...svg.matchAll(/points="([^"]+)"/g)].map(([, points]) =>
      points!.split(' ').map((point) => point.split(',').map(Number)),
    );
    expect(lines).toHaveLength(4);
    for (const line of lines) expect(line.map(([x]) => x)).toEqual([64, 610]);
    const [product, raw] = lines;
    expect(product![0]![1]).toBeLessThan(raw![0]![1]!);
    expect(product![1]![1]).toBeLessThan(product![0]![1]!);
  });

  test('keeps what it is told as text', () => {
    expect(svg).toContain('some &lt;machine> &amp; load');
  });

  test('refuses results of another measurement', () => {
    expect(() => plotGrowth({ 'free.chunks_per_s': 200 }, '')).toThrow('--growth');
  });
});
