import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, test } from '@jest/globals';
import { reserveFreePort, reservePort } from '../../../platform/embedded/free-port.ts';

test('a port is released at once, also while a client of its last owner comes back to it', async () => {
  const reserved = await reserveFreePort(20_000 + Math.floor(Math.random() * 10_000));
  expect(await reservePort(reserved.port)).toBeNull();
  const client = connect(reserved.port, '127.0.0.1');
  const ended = once(client, 'close');
  await once(client, 'connect');
  await reserved.release();
  await ended;
  const again = await reservePort(reserved.port);
  expect(again?.port).toBe(reserved.port);
  await again?.release();
});
