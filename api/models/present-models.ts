import type { EntityManager } from '@mikro-orm/postgresql';
import type { z } from 'zod';
import type { modelSchema } from '../../contracts/model.ts';
import type { Model } from '../../entities/index.ts';
import { readModelCircuits, type ModelCircuitState } from '../../entities/usage/model-circuit-repository.ts';
import { presentTime } from '../framework/present-time.ts';

/** Models as the API shows them, in their order, each with the state of its circuit. */
export async function presentModels(
  rows: readonly Model[],
  em: EntityManager,
): Promise<Array<z.input<typeof modelSchema>>> {
  const circuits = await readModelCircuits(
    em,
    rows.map(({ id }) => id),
  );
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    kind: row.kind,
    provider: row.provider,
    model_id: row.modelId,
    endpoint: row.endpoint ?? null,
    has_api_key: row.apiKey != null,
    pricing: row.pricing,
    capabilities: row.capabilities,
    dimensions: row.dimensions ?? null,
    is_active: row.isActive,
    circuit: presentCircuit(circuits.get(row.id)),
    created_at: presentTime(row.createdAt),
    updated_at: presentTime(row.updatedAt),
  }));
}

function presentCircuit(circuit: ModelCircuitState | undefined) {
  return {
    state: circuit?.state ?? ('closed' as const),
    failures: circuit?.failures ?? 0,
    open_until: circuit?.openUntil ? presentTime(circuit.openUntil) : null,
    last_code: circuit?.lastCode ?? null,
  };
}
