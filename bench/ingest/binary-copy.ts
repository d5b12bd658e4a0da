import type pg from 'pg';

/** What PostgreSQL's binary COPY format is made of: for each column its bytes, in the order of the columns. */
export type BinaryRow = readonly Uint8Array[];

// "PGCOPY\n\377\r\n\0", no flags, no extension (PostgreSQL's manual, COPY, binary format).
const header = Buffer.from('5047434f50590aff0d0a000000000000000000', 'hex');
const trailer = Buffer.from([0xff, 0xff]);

interface CopyConnection {
  query(text: string): void;
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
}

/** Runs `copy … from stdin (format binary)`; node-postgres has the messages but no statement for it. */
export function copyBinary(client: pg.Client, statement: string, rows: readonly BinaryRow[]): Promise<void> {
  return new Promise((resolve, reject) => {
    let failure: Error | null = null;
    client.query({
      submit: (connection: unknown) => (connection as CopyConnection).query(statement),
      handleCopyInResponse(connection: CopyConnection) {
        connection.sendCopyFromChunk(Buffer.concat([header, ...rows.flatMap(encodeRow), trailer]));
        connection.endCopyFrom();
      },
      handleCommandComplete() {},
      handleError(error: Error) {
        failure = error;
        reject(error);
      },
      handleReadyForQuery() {
        if (failure === null) resolve();
      },
    } as pg.Submittable);
  });
}

/** A uuid in its sixteen bytes. */
export const binaryUuid = (id: string): Buffer => Buffer.from(id.replaceAll('-', ''), 'hex');

/** An integer in four bytes. */
export function binaryInteger(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeInt32BE(value);
  return bytes;
}

/** An integer in two bytes. */
export function binarySmallint(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(2);
  bytes.writeInt16BE(value);
  return bytes;
}

/** An integer in eight bytes. */
export function binaryBigint(value: number | bigint): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigInt64BE(BigInt(value));
  return bytes;
}

/** A jsonb value: version 1, then its text. */
export const binaryJson = (value: unknown): Buffer =>
  Buffer.concat([Buffer.from([1]), Buffer.from(JSON.stringify(value))]);

function encodeRow(row: BinaryRow): Uint8Array[] {
  const count = Buffer.allocUnsafe(2);
  count.writeInt16BE(row.length);
  return [count, ...row.flatMap((column) => [binaryInteger(column.byteLength), column])];
}
