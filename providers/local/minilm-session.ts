import { InferenceSession, Tensor } from 'onnxruntime-node';

import { bertVocabulary } from './bert-vocabulary.ts';
import { minilmLimits } from './minilm-limits.ts';
import { WordPieceTokenizer } from './word-piece-tokenizer.ts';

/** The vector of one text and the tokens that were read for it, markers included. */
export interface EmbeddedText {
  readonly vector: Float32Array;
  readonly tokens: number;
}

/** A loaded all-MiniLM-L6-v2: cuts at 256 tokens, takes the mean over all tokens, scales it to length 1. */
export class MiniLmSession {
  readonly #session: InferenceSession;
  readonly #tokenizer = new WordPieceTokenizer(bertVocabulary());

  private constructor(session: InferenceSession) {
    this.#session = session;
  }

  /** Loads the weights; one thread computes, since more threads per text gain less than texts side by side. */
  static async load(weightsPath: string): Promise<MiniLmSession> {
    const session = await InferenceSession.create(weightsPath, {
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      graphOptimizationLevel: 'all',
    });
    return new MiniLmSession(session);
  }

  /** Embeds one text; never more at once, so that a vector cannot depend on its neighbours in a batch. */
  async embed(text: string): Promise<EmbeddedText> {
    const { ids } = this.#tokenizer.tokenize(text, minilmLimits.maxTokens - 2);
    const marked = [this.#tokenizer.idOf('[CLS]'), ...ids, this.#tokenizer.idOf('[SEP]')];
    const shape = [1, marked.length];
    const output = await this.#session.run({
      input_ids: new Tensor('int64', BigInt64Array.from(marked, BigInt), shape),
      attention_mask: new Tensor('int64', new BigInt64Array(marked.length).fill(1n), shape),
      token_type_ids: new Tensor('int64', new BigInt64Array(marked.length), shape),
    });
    const hidden = output['last_hidden_state']?.data;
    if (!(hidden instanceof Float32Array) || hidden.length !== marked.length * minilmLimits.dimensions) {
      throw new Error('The model file does not have the output of all-MiniLM-L6-v2: fetch it again.');
    }
    return { vector: normalize(meanOverTokens(hidden)), tokens: marked.length };
  }

  async release(): Promise<void> {
    await this.#session.release();
  }
}

function meanOverTokens(hidden: Float32Array): Float64Array {
  const { dimensions } = minilmLimits;
  const sum = new Float64Array(dimensions);
  for (let offset = 0; offset < hidden.length; offset += dimensions) {
    for (let index = 0; index < dimensions; index += 1) sum[index]! += hidden[offset + index]!;
  }
  return sum.map((value) => value / (hidden.length / dimensions));
}

function normalize(vector: Float64Array): Float32Array {
  const length = Math.hypot(...vector);
  return Float32Array.from(vector, (value) => value / length);
}
