import { expect, test } from '@jest/globals';

test('a test cannot reach beyond the loopback address', async () => {
  await expect(fetch('http://192.0.2.1/')).rejects.toMatchObject({
    cause: { message: expect.stringContaining('tests may reach the loopback address only') },
  });
});
