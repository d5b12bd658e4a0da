import { describe, expect, test } from '@jest/globals';
import { fitChunkSizes } from '../../../domain/chunking/fit-chunk-sizes.ts';

describe('fitChunkSizes', () => {
  test('keeps sizes that the model reads whole, with an overlap up to one token less than the size', () => {
    const sizes = { size: 254, overlap: 253 };
    expect(fitChunkSizes(sizes, 254)).toEqual({ sizes, warning: null });
  });

  test('caps what the model cannot read whole, and says so', () => {
    const { sizes, warning } = fitChunkSizes({ size: 1000, overlap: 600 }, 254);
    expect(sizes).toEqual({ size: 254, overlap: 253 });
    expect(warning).toMatchObject({ code: 'chunk_size_capped' });
    expect(warning?.detail).toContain('chunks of 254 with an overlap of 253 were made');
  });
});
