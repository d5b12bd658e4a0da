/** What a peer is to ingest, and how; read from a file by its process. */
export interface IngestOrder {
  databaseUrl: string;
  documents: { path: string; text: string }[];
  /** Calls of the peer's own ingestion at the same time, each over a connection of its own. */
  lanes: number;
  /** Documents that each call is given. */
  documentsPerCall: number;
  /** Whether the peer's own record of what it has ingested is used (`kept`), or each run adds what it is given (`plain`). */
  record: 'kept' | 'plain';
}

/** The table that a peer's process makes at its start, in the schema `peers`, and its columns. */
export interface PeerTable {
  table: string;
  vector: string;
  content: string;
  metadata: string;
}

/** What a peer's process sends when it is ready: its table, and the chunks that its own splitter makes, by document. */
export interface PeerReady {
  table: PeerTable;
  chunks: { path: string; content: string }[];
}

/** What it sends when it has ingested everything: the processor time that it used itself. */
export interface PeerDone {
  cpuSeconds: number;
}
