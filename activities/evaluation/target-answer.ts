import type { CallToSettle, ItemOutput } from '../../entities/evaluations/item-change-repository.ts';

/** What a target gave; `settle` is its paid call, whose figures are committed with it, and `cost` what that was, if known. */
export type TargetAnswer = ItemOutput & { settle?: CallToSettle; cost: number | null };
