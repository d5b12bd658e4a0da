import pg from 'pg';

// Takes one chunk out of an active generation, which no part of the product ever does.
const client = new pg.Client({ connectionString: process.env.DATABASE_URL, options: '-c role=perdure_owner' });
await client.connect();
await client.query(`set row_security = off`);
const { rowCount } = await client.query(
  `delete from document_chunks where (document_id, chunk_index) in
     (select document_id, chunk_index from document_chunks limit 1)`,
);
await client.end();
process.exitCode = rowCount === 1 ? 0 : 1;
