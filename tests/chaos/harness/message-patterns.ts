import type { Sighting } from './proxies/trap-board.ts';

/** Whether a message is a certain effect, whomever it belongs to. */
export type MessagePattern = (sighting: Sighting) => boolean;

/** The commit of a transaction in which `process` ran such a statement. */
export const commitOf =
  (process: 'api' | 'worker', statement: RegExp): MessagePattern =>
  (sighting) =>
    sighting.via === 'postgres' &&
    sighting.process === process &&
    /^commit$/i.test(sighting.what) &&
    sighting.within.some((text) => statement.test(text));

/** A statement of `process`, inside of a transaction or not. */
export const statementOf =
  (process: 'api' | 'worker', text: RegExp): MessagePattern =>
  (sighting) =>
    sighting.via === 'postgres' && sighting.process === process && text.test(sighting.what);

/** A call that `process` makes to Temporal; with `naming`, one that carries this text. */
export const temporalCall =
  (process: 'api' | 'worker', call: string, naming?: string): MessagePattern =>
  (sighting) =>
    sighting.via === 'temporal' &&
    sighting.process === process &&
    sighting.what === call &&
    (naming === undefined || sighting.mentions(naming));

/** A call to embed; with `model`, one to this model of the provider. */
export const providerCall =
  (model?: string): MessagePattern =>
  (sighting) =>
    sighting.via === 'provider' &&
    sighting.what.endsWith('/embeddings') &&
    (model === undefined || sighting.mentions(model));

/** The commit of vectors that were paid for; those that were known already are copied by another statement. */
export const storesPaidVectors = commitOf('worker', /insert into chunk_embeddings[^]*::vector/);

/** A call for an answer of a model. */
export const chatCall: MessagePattern = (sighting) =>
  sighting.via === 'provider' && sighting.what.endsWith('/chat/completions');

/** A request to the service of the tools at this path. */
export const effectOn =
  (path: string): MessagePattern =>
  (sighting) =>
    sighting.via === 'effect' && sighting.what === path;
