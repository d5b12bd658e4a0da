/** The type ids of bytea and text in every PostgreSQL. */
export const byteaTypeId = 17;
export const textTypeId = 25;

/**
 * Elements in PostgreSQL's binary format of a one-dimensional array, to be passed as one parameter and unnested: a third
 * of the size of their text, and nothing to print or parse.
 */
export function binaryArray(elementTypeId: number, elements: readonly Uint8Array[]): Buffer {
  const size = elements.reduce((sum, element) => sum + 4 + element.byteLength, 20);
  const array = writeHead(Buffer.allocUnsafe(size), elementTypeId, elements.length);
  let offset = 20;
  for (const element of elements) {
    array.writeInt32BE(element.byteLength, offset);
    array.set(element, offset + 4);
    offset += 4 + element.byteLength;
  }
  return array;
}

/** The same for elements of the type bigint, none of them negative. */
export function binaryBigints(values: readonly (number | bigint)[]): Buffer {
  const array = headed(20, 12, values.length);
  let offset = 20;
  for (const value of values) {
    array.writeInt32BE(8, offset);
    if (typeof value === 'bigint') array.writeBigInt64BE(value, offset + 4);
    else {
      array.writeUInt32BE(Math.floor(value / 4294967296), offset + 4);
      array.writeUInt32BE(value % 4294967296, offset + 8);
    }
    offset += 12;
  }
  return array;
}

/** The same for elements of the type smallint. */
export function binarySmallints(values: readonly number[]): Buffer {
  const array = headed(21, 6, values.length);
  let offset = 20;
  for (const value of values) {
    array.writeInt32BE(2, offset);
    array.writeInt16BE(value, offset + 4);
    offset += 6;
  }
  return array;
}

/** Room for an array of so many elements, each of so many bytes with its length, and its head: one dimension from 1 on. */
function headed(elementTypeId: number, elementBytes: number, length: number): Buffer {
  return writeHead(Buffer.allocUnsafe(20 + elementBytes * length), elementTypeId, length);
}

function writeHead(array: Buffer, elementTypeId: number, length: number): Buffer {
  array.writeInt32BE(1, 0);
  array.writeInt32BE(0, 4);
  array.writeUInt32BE(elementTypeId, 8);
  array.writeInt32BE(length, 12);
  array.writeInt32BE(1, 16);
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
