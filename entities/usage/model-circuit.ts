import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { createdAt, updatedAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/**
 * How a model has failed lately, for all workers: after several failures in a row nobody calls it until `open_until`, and
 * then one turn tries it for the others. A model without a row has not failed.
 */
export const ModelCircuit = defineEntity({
  name: 'ModelCircuit',
  tableName: 'model_circuits',
  properties: {
    workspaceId: p.uuid().primary(),
    modelId: p.uuid().primary(),
    /** In a row, since the last answer. */
    failures: p.integer().default(0),
    /** How often it opened since the last answer; each time for longer. */
    openings: p.integer().default(0),
    openUntil: p.datetime(6).nullable(),
    /** The turn that tries the model for the others, and until when they wait for what it finds. */
    probedBy: p.uuid().nullable(),
    probeUntil: p.datetime(6).nullable(),
    lastCode: p.text().nullable(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  checks: [
    { name: 'model_circuits_failures_check', expression: 'failures >= 0' },
    { name: 'model_circuits_open_check', expression: '(openings > 0) = (open_until IS NOT NULL)' },
    { name: 'model_circuits_openings_check', expression: 'openings >= 0' },
    { name: 'model_circuits_probe_check', expression: '(probed_by IS NULL) = (probe_until IS NULL)' },
  ],
  policies: workspacePolicies,
});

export type ModelCircuit = InferEntity<typeof ModelCircuit>;
