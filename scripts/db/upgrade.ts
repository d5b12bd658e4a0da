import { upgradeDatabase } from './upgrade-database.ts';

const databaseUrl = process.env.DATABASE_URL;
if (!databaseUrl) throw new Error('DATABASE_URL is missing.');
for (const name of await upgradeDatabase(databaseUrl)) console.log(`Applied ${name}`);
