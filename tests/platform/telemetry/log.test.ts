import { describe, expect, test } from '@jest/globals';
import { ApplicationFailure } from '@temporalio/common';
import { createLogger, temporalLogger } from '../../../platform/log.ts';

function capture(level = 'info') {
  const lines: string[] = [];
  const logger = createLogger({ name: 'test', level }, { write: (line: string) => void lines.push(line) });
  return { logger, lines };
}

describe('the log', () => {
  test('is one JSON object a line, with the name of the process and the level as a word', () => {
    const { logger, lines } = capture();
    logger.info({ documents: 3 }, 'Ingested');
    expect(JSON.parse(lines[0]!)).toEqual({
      level: 'info',
      name: 'test',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      documents: 3,
      message: 'Ingested',
    });
  });

  test('shows no secret, wherever it stands', () => {
    const { logger, lines } = capture();
    logger.info(
      {
        authorization: 'Bearer abcdefghijkl',
        model: { api_key: 'anything' },
        address: 'postgres://perdure:hunter2secret@db:5432/perdure',
      },
      'Key pk_Zm9vYmFyYmF6cXV4 and sk-proj-abc123def456 were used with Bearer eyJhbGciOi.abc',
    );
    for (const secret of [
      'abcdefghijkl',
      'anything',
      'hunter2secret',
      'Zm9vYmFyYmF6cXV4',
      'abc123def456',
      'eyJhbGciOi',
    ]) {
      expect(lines[0]).not.toContain(secret);
    }
    expect(JSON.parse(lines[0]!)).toMatchObject({ address: 'postgres://perdure:[redacted]@db:5432/perdure' });
  });

  test('keeps of an error its name, code, message and causes, and no field of a driver', () => {
    const { logger, lines } = capture();
    const cause = Object.assign(new Error('duplicate key'), { code: '23505', detail: 'Key (email)=(a@b.c) exists' });
    logger.error({ err: new Error('The row could not be written', { cause }) }, 'Failed');
    const { err } = JSON.parse(lines[0]!);
    expect(err).toMatchObject({ code: '23505', message: 'The row could not be written', cause: { code: '23505' } });
    expect(lines[0]).not.toContain('a@b.c');
  });

  test("takes Temporal's messages without memo, search attributes and tokens", () => {
    const { logger, lines } = capture('debug');
    temporalLogger(logger).warn('Activity failed', {
      workflowId: 'ingest/1/1',
      memo: { title: 'private' },
      searchAttributes: { PerdureDocument: ['x'] },
      taskToken: 'CiQwNTRl',
      error: ApplicationFailure.create({ type: 'provider_timeout', message: 'No answer in time.' }),
    });
    temporalLogger(logger).trace('Not wanted');
    expect(lines).toHaveLength(1);
    const line = JSON.parse(lines[0]!);
    expect(line).toMatchObject({ level: 'warn', workflowId: 'ingest/1/1', error: { code: 'provider_timeout' } });
    expect(Object.keys(line)).not.toEqual(expect.arrayContaining(['memo']));
    expect(lines[0]).not.toMatch(/private|PerdureDocument|CiQwNTRl/);
  });
});
