import { setTimeout } from 'node:timers/promises';
import type { EntityManager } from '@mikro-orm/postgresql';
import { compareIndexes } from '../../domain/vector-indexes/compare-indexes.ts';
import { expectedIndexBytes } from '../../domain/vector-indexes/expected-index-bytes.ts';
import type { MendedIndex } from '../../domain/vector-indexes/index-health.ts';
import {
  buildVectorIndex,
  dropVectorIndex,
  readVectorIndexes,
  renameVectorIndex,
  type VectorIndexRow,
  type VectorIndexState,
} from '../../entities/agents/vector-index-repository.ts';
import { buildOnOneCore } from '../../entities/agents/index-hold-repository.ts';
import { breadthOf } from './examine-indexes.ts';
import type { HeldIndexes } from './hold-indexes.ts';
import type { MaintenanceDeps } from './maintenance-deps.ts';
import { askExactly, measureIndex } from './measure-index.ts';

const lookAgainMs = 500;
const roomForBuild = 2;
const metricNames = { cosine: 'cos', l2: 'l2', inner_product: 'ip' } as const;

/** The index to build anew, as it was when it was examined. */
type Replaced = { modelId: string; oid: number; name: string };

/**
 * Builds an index anew beside the one that serves, compares the two, and drops the worse: what `REINDEX CONCURRENTLY` does,
 * but for the comparison. Whatever a killed predecessor has left is found in the catalogue and gone on with: a build at
 * work is waited for, an unfinished index is dropped, a finished one is compared.
 */
export async function rebuildIndex(
  deps: MaintenanceDeps,
  held: HeldIndexes,
  { modelId, oid, name }: Replaced,
): Promise<MendedIndex> {
  for (;;) {
    const state = await held.statement((em) => readVectorIndexes(em, modelId));
    if (!state) return { kept: null, reason: 'The model is gone' };
    if (state.isBusy) {
      await setTimeout(lookAgainMs, undefined, { signal: held.signal });
      continue;
    }
    const unfinished = state.built.find(({ isValid }) => !isValid);
    if (unfinished) {
      await held.statement((em) => dropVectorIndex(em, unfinished.name));
      continue;
    }
    const old = state.built.find((index) => index.oid === oid);
    const made = old
      ? state.built.find((index) => index.oid > oid && replaces(index, old))
      : state.built.find((index) => index.name === name || isMade(state, index));
    if (old && made) return compare(deps, held, { modelId, state, old, made });
    if (made) {
      await takeName(held, made.name, name);
      return { kept: true, reason: 'The attempt before had compared and replaced it' };
    }
    if (!old) return { kept: null, reason: 'The index was dropped meanwhile: the model asks for another one' };
    const lack = await lackOfRoom(deps, state, old);
    if (lack !== null) return { kept: null, reason: lack };
    await build(held, state, old);
  }
}

async function build(held: HeldIndexes, state: VectorIndexState, old: VectorIndexRow): Promise<void> {
  // An HNSW index of all rows is followed by one that ends: inserting each later row into it would cost several times as much.
  const end = old.kind === 'hnsw' ? state.nextOrdinal : null;
  const made = { ...old, name: nameOfMade(state, old), to: old.to ?? end };
  try {
    // The other cores are for searches.
    await held.statement((em) => buildOnOneCore(em, true));
    await held.statement((em) => buildVectorIndex(em, state, made));
  } catch (error) {
    // A cancelled build leaves an index that is not valid; a worker that shuts down leaves the build at work.
    if (held.signal.aborted) await held.clearUp((em) => dropVectorIndex(em, made.name));
    throw error;
  } finally {
    await held.clearUp((em) => buildOnOneCore(em, false));
  }
}

async function compare(
  deps: MaintenanceDeps,
  held: HeldIndexes,
  {
    modelId,
    state,
    old,
    made,
  }: { modelId: string; state: VectorIndexState; old: VectorIndexRow; made: VectorIndexRow },
): Promise<MendedIndex> {
  const measuring = { database: deps.database, modelId, signal: held.signal };
  const questions = await askExactly(measuring, state, made);
  const breadth = breadthOf(state);
  const before = await measureIndex(measuring, state, old, { questions, breadth });
  const after = await measureIndex(measuring, state, made, { questions, breadth });
  const { isKept, reason } = compareIndexes(before, after);
  await held.statement((em) => dropVectorIndex(em, isKept ? old.name : made.name));
  if (isKept) await takeName(held, made.name, old.name);
  return { kept: isKept, reason, before, after };
}

async function takeName(held: HeldIndexes, from: string, to: string): Promise<void> {
  if (from !== to) await held.statement((em: EntityManager) => renameVectorIndex(em, from, to));
}

/** Why the disk has no room for another index; null where it has, or where nobody knows. */
async function lackOfRoom(deps: MaintenanceDeps, state: VectorIndexState, old: VectorIndexRow): Promise<string | null> {
  const room = await deps.readDiskRoom();
  const { dimensions } = state;
  const rows = old.to === null ? state.rows : old.rows;
  const size = old.kind === 'hnsw' ? expectedIndexBytes({ rows, dimensions, m: old.parameters['m'] ?? 16 }) : old.bytes;
  const needed = roomForBuild * size;
  if (room === null || room >= needed) return null;
  return `The database's disk has room for ${room} bytes, and building the index anew needs ${needed}: it was not begun`;
}

function nameOfMade({ partition }: VectorIndexState, { metric }: Pick<VectorIndexRow, 'metric'>): string {
  return `${partition}_${metricNames[metric]}_new`;
}

/** Whether an index was made to take the place of another one: of its segment, or of all that came before. */
function replaces(made: VectorIndexRow, old: VectorIndexRow): boolean {
  const isSegment = made.from === old.from && (made.to === old.to || old.to === null);
  return made.metric === old.metric && made.kind === old.kind && isSegment;
}

function isMade(state: VectorIndexState, index: VectorIndexRow): boolean {
  return index.name === nameOfMade(state, index);
}
