import { describe, expect, jest, test } from '@jest/globals';
import { query } from '../../entities/sql.ts';
import type { TestWorkspace } from '../support/workspaces/create-workspace.ts';
import { memoryHarness } from '../support/workspaces/memory-harness.ts';

jest.setTimeout(120_000);
const { harness, condense, memoryOf, paid, talk, write } = memoryHarness({ capTokens: 200 });
const longAgo = new Date('2026-01-01');
const oldLines = Array.from({ length: 30 }, (_, n) => `Old statement number ${n} about what the user does.`);
const recentLine = 'Said this very week: likes tea.';

async function overCap(settings: Parameters<typeof harness.workspace>[0] = { model: 'fake' }): Promise<TestWorkspace> {
  const workspace = await harness.workspace(settings);
  await write(workspace, oldLines.join('\n'), longAgo);
  await write(workspace, [...oldLines, recentLine].join('\n'));
  return workspace;
}

const reports = ({ userId }: TestWorkspace) =>
  harness.database.asOperator((em) =>
    query<{ decided: string; reason: string; saw: any; did: any; state: string }>( // oxlint-disable-line typescript/no-explicit-any -- tests assert on whatever is there
      em,
      `select decided, reason, saw, did, state from maintenance_reports where task = 'condense-memories' and subject = $1
       order by started_at`,
      [userId],
    ),
  );

describe('R25 a memory over its cap', () => {
  test('is condensed by the model, once; what was said this week is untouched and every version is kept', async () => {
    const workspace = await overCap();
    harness.provider.control({ script: [{ answer: 'Good.' }, { answer: '{"lines": ["Does thirty things."]}' }] });
    await talk(['Hello.'], workspace);
    const before = harness.provider.log().length;
    expect(await condense()).toEqual({ condensed: 1, cut: 0, left: 0, failed: 0 });
    const memory = await memoryOf(workspace);
    expect(memory).toMatchObject({ version: 3, origin: 'condensed', detail: { model: 'chat', lines_before: 30 } });
    expect(memory!.memory).toBe(`- Does thirty things. (2026-01-01)\n${recentLine}`);
    expect(await paid(workspace)).toMatchObject([{ state: 'settled' }]);
    expect(await reports(workspace)).toMatchObject([
      { state: 'done', decided: 'condense', saw: { cap: 200, old_lines: 30, recent_lines: 1 }, did: { version: 3 } },
    ]);
    expect(await condense()).toEqual({ condensed: 0, cut: 0, left: 0, failed: 0 });
    expect(harness.provider.log()).toHaveLength(before + 1);
  });

  test('is cut by its oldest lines without a model, and the version says so', async () => {
    const workspace = await overCap();
    await harness.database.asOperator((em) =>
      query(em, `update models set provider = 'extractive', endpoint = null where id = $1`, [workspace.modelId]),
    );
    expect(await condense()).toEqual({ condensed: 0, cut: 1, left: 0, failed: 0 });
    const memory = await memoryOf(workspace);
    expect(memory).toMatchObject({ version: 3, origin: 'cut', detail: { reason: 'no_model' } });
    expect(memory!.tokens).toBeLessThanOrEqual(200);
    expect(memory!.memory.split('\n').at(-1)).toBe(recentLine);
    expect(await reports(workspace)).toMatchObject([{ decided: 'cut', reason: expect.stringContaining('no model') }]);
    expect(await paid(workspace)).toEqual([]);
  });

  test('is left as it is where a model fails, and says why', async () => {
    const workspace = await overCap();
    harness.provider.control({ script: [{ answer: 'Good.' }, { failure: { kind: 'status', status: 401 } }] });
    await talk(['Hello.'], workspace);
    expect(await condense()).toEqual({ condensed: 0, cut: 0, left: 0, failed: 1 });
    expect(await memoryOf(workspace)).toMatchObject({ version: 2, origin: 'written' });
    expect(await reports(workspace)).toMatchObject([{ state: 'failed' }]);
    await write(workspace, 'Short.');
  });

  test('is left as it is where all of it was said this week', async () => {
    const workspace = await harness.workspace({ model: 'fake' });
    await write(workspace, oldLines.join('\n'));
    expect(await condense()).toEqual({ condensed: 0, cut: 0, left: 1, failed: 0 });
    expect(await memoryOf(workspace)).toMatchObject({ version: 1 });
    expect(await reports(workspace)).toMatchObject([{ decided: 'nothing', reason: expect.stringContaining('week') }]);
  });
});
