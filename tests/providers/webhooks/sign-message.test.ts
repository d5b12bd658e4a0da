import { expect, test } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { signMessage } from '../../../providers/webhooks/sign-message.ts';

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

test('a message is signed as the example of the Standard Webhooks specification', () => {
  const message = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', body: '{"test": 2432232314}' };
  expect(signMessage(message, [secret], new Date(1614265330_999))).toEqual({
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  });
});

test('receivers with either of two secrets take a message, and one with a third does not', () => {
  const other = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
  const stranger = `whsec_${Buffer.alloc(32, 8).toString('base64')}`;
  const message = { id: 'delivery', body: '{"type":"job.failed","data":{"name":"Käse ✓"}}' };
  const headers = signMessage(message, [secret, other], new Date());
  for (const known of [secret, other])
    expect(new Webhook(known).verify(message.body, headers)).toEqual(JSON.parse(message.body));
  expect(() => new Webhook(stranger).verify(message.body, headers)).toThrow('No matching signature');
  expect(() => new Webhook(secret).verify(`${message.body} `, headers)).toThrow('No matching signature');
});
