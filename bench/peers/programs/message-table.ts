import pg from 'pg';

/** Connections of a peer's pool: one for each caller. */
export const connections = 20;

/** A message as a model takes it. */
export interface Message {
  role: 'user' | 'assistant';
  content: string;
}

/** Messages in a plain table: what an application brings where a peer stores the run of a turn, and not its messages. */
export class MessageTable {
  readonly #pool: pg.Pool;

  private constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  static async open(connectionString: string): Promise<MessageTable> {
    const pool = new pg.Pool({ connectionString, max: connections });
    await pool.query(
      `create table if not exists messages (id bigint generated always as identity primary key, conversation text not null,
                                            role text not null, content text not null)`,
    );
    await pool.query('create index if not exists messages_conversation on messages (conversation, id)');
    return new MessageTable(pool);
  }

  async add(conversation: string, { role, content }: Message): Promise<void> {
    await this.#pool.query({
      name: 'add',
      text: 'insert into messages (conversation, role, content) values ($1, $2, $3)',
      values: [conversation, role, content],
    });
  }

  /** The last messages of a conversation, oldest first. */
  async last(conversation: string): Promise<Message[]> {
    const { rows } = await this.#pool.query<Message>({
      name: 'last',
      text: 'select role, content from messages where conversation = $1 order by id desc limit 20',
      values: [conversation],
    });
    return rows.reverse();
  }
}
