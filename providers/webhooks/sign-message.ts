import { createHmac } from 'node:crypto';

/** What a receiver is sent: `id` stays the same when it is sent again, `body` is signed to the byte. */
export type SignedMessage = { readonly id: string; readonly body: string };

/**
 * The headers by which a receiver knows who sent a message and when, as Standard Webhooks 1.0 has them: HMAC-SHA256 of
 * `id.timestamp.body`, one signature for each secret (`whsec_` and base64), so that a receiver may change to the newer one
 * when it suits it.
 */
export function signMessage(
  { id, body }: SignedMessage,
  secrets: readonly string[],
  sentAt: Date,
): Record<string, string> {
  const timestamp = Math.floor(sentAt.getTime() / 1000);
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
    return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
  });
  return { 'webhook-id': id, 'webhook-timestamp': String(timestamp), 'webhook-signature': signatures.join(' ') };
}
