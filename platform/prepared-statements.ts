import type pg from 'pg';
import { statementName } from '../entities/sql.ts';

type Send = (...given: unknown[]) => Promise<unknown>;

// PostgreSQL's feature_not_supported, here: "cached plan must not change result type".
const planIsStale = '0A000';
const begun = { command: 'BEGIN', rowCount: null, rows: [] };

// Part of every name, so that a new series is prepared anew.
let series = 0;

/**
 * Has a connection plan each statement of the repositories once. With `mergeBegin` a transaction is opened together with
 * the first statement in it. After a migration that changed what a statement returns, that statement fails once.
 */
export function prepareStatements(client: pg.ClientBase, { mergeBegin }: { mergeBegin: boolean }): void {
  const send = client.query.bind(client) as unknown as Send;
  let isBeginning = false;
  const query: Send = (...given) => {
    const [text, values, callback] = given;
    if (mergeBegin && text === 'begin' && given.length === 2 && !hasValues(values)) {
      isBeginning = true;
      return Promise.resolve(begun);
    }
    const begins = isBeginning;
    isBeginning = false;
    const isPlain = typeof text === 'string' && callback === undefined && typeof values !== 'function';
    if (begins && isPlain && !hasValues(values)) return beginWith(send, text);
    // Sent before the other, whose failure tells of this one's too.
    if (begins) send('begin').catch(() => {});
    const name = isPlain && hasValues(values) ? statementName(text) : undefined;
    return name === undefined ? send(...given) : sendPrepared(send, { name, text: text as string, values });
  };
  client.query = query as unknown as pg.ClientBase['query'];
}

async function beginWith(send: Send, text: string): Promise<unknown> {
  const results = (await send(`begin; ${text}`)) as unknown[];
  return results.at(-1);
}

async function sendPrepared(
  send: Send,
  { name, ...statement }: { name: string; text: string; values: unknown },
): Promise<unknown> {
  try {
    return await send({ name: `${name}_${series}`, ...statement });
  } catch (error) {
    if ((error as { code?: unknown }).code === planIsStale) series += 1;
    throw error;
  }
}

const hasValues = (values: unknown): boolean => Array.isArray(values) && values.length > 0;
