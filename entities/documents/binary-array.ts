/** The type ids of bytea and text in every PostgreSQL. */
export const byteaTypeId = 17;
export const textTypeId = 25;

/**
 * Elements in PostgreSQL's binary format of a one-dimensional array, to be passed as one parameter and unnested: a third
 * of the size of their text, and nothing to print or parse.
 */
export function binaryArray(elementTypeId: number, elements: readonly Uint8Array[]): Buffer {
  const size = elements.reduce((sum, element) => sum + 4 + element.byteLength, 20);
  const array = Buffer.allocUnsafe(size);
  array.writeInt32BE(1, 0);
  array.writeInt32BE(0, 4);
  array.writeUInt32BE(elementTypeId, 8);
  array.writeInt32BE(elements.length, 12);
  array.writeInt32BE(1, 16);
  let offset = 20;
  for (const element of elements) {
    array.writeInt32BE(element.byteLength, offset);
    array.set(element, offset + 4);
    offset += 4 + element.byteLength;
  }
  return array;
}

/** One vector in pgvector's binary format: dimensions, a reserved field, then 32-bit floats, big-endian. */
export function binaryVector(vector: Float32Array): Buffer {
  const bytes = Buffer.allocUnsafe(4 + 4 * vector.length);
  bytes.writeUInt16BE(vector.length, 0);
  bytes.writeUInt16BE(0, 2);
  for (let index = 0; index < vector.length; index += 1) bytes.writeFloatBE(vector[index]!, 4 + 4 * index);
  return bytes;
}
