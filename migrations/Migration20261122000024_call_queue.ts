import { Migration } from '@mikro-orm/migrations';

/**
 * Calls of a model may be booked long before they are made, by whoever comes again at the booked moment. So what was
 * booked and what was made are counted apart: bookings give the order, and what was made keeps the limits exactly.
 */
export class Migration20261122000024_call_queue extends Migration {
  override up(): void {
    this.addSql(`
      alter table rate_limits
        add column requests_made_until timestamptz,
        add column tokens_made_until timestamptz,
        add column requests_limit double precision,
        add column tokens_limit double precision`);
    this.addSql(
      `update rate_limits set requests_made_until = requests_paid_until, tokens_made_until = tokens_paid_until`,
    );
    for (const { signature, body } of functions) {
      this.addSql(`create function ${signature} ${body}`);
      const name = nameWithTypes(signature);
      this.addSql(`alter function ${name} owner to perdure_owner`);
      this.addSql(`revoke all on function ${name} from public`);
      this.addSql(`grant execute on function ${name} to perdure_app, perdure_operator`);
    }
  }

  override down(): void {
    for (const { signature } of functions) this.addSql(`drop function ${nameWithTypes(signature)}`);
    this.addSql(`
      alter table rate_limits
        drop column requests_made_until, drop column tokens_made_until,
        drop column requests_limit, drop column tokens_limit`);
  }
}

function nameWithTypes(signature: string): string {
  return signature.replaceAll(/(?<=[(,]\s*)\w+ /g, '');
}

// The generic cell rate algorithm (ITU-T I.371), twice: `…_paid_until` is the end of the queue of bookings, `…_made_until`
// says until when the calls that were made have used the limit up. A tenth of a limit may go out at once, the rest evenly
// over the minute, so that no minute holds more than the limit. A call is counted as made when it is due within a second,
// which its caller waits for; else the caller comes again at the booked moment. One that comes too late, so that others
// have used up what was its own, books anew; if it is short of less than a second, it waits for that.
// A changed limit begins the queue anew; whoever was booked behind its end has lost that place.
// A question does not queue: somebody waits for it, and batches leave it a fifth of what may go out at once.
// The functions reserve_model_call and settle_model_call stay for processes of the release before.
// Locked before the time is read: who waits for the lock would else reckon with a time that is past.
const book = {
  signature:
    'book_model_call(workspace uuid, model uuid, tokens integer, priority text, booked timestamptz, longest_pause_ms integer, longest_wait_ms integer)',
  body: `
    returns table (wait_ms integer, moment timestamptz, is_counted boolean)
    language plpgsql volatile security definer set search_path = public, pg_temp as $function$
    declare
      patience constant interval := interval '1 second';
      millisecond constant interval := interval '1 millisecond';
      capabilities jsonb;
      requests double precision;
      limit_of_tokens double precision;
      burst double precision;
      request_step interval;
      token_step interval;
      request_room interval;
      token_room interval;
      used rate_limits;
      present timestamptz;
      free_from timestamptz;
      behind_all timestamptz;
      soonest timestamptz;
      is_queued boolean;
    begin
      select m.capabilities into capabilities from models m where m.workspace_id = workspace and m.id = model;
      requests := (capabilities ->> 'requestsPerMinute')::double precision;
      limit_of_tokens := (capabilities ->> 'tokensPerMinute')::double precision;
      if requests is not null or limit_of_tokens is not null then
        insert into rate_limits (workspace_id, model_id) values (workspace, model) on conflict do nothing;
        select r.* into used from rate_limits r where r.workspace_id = workspace and r.model_id = model for update;
        if used.requests_limit is distinct from requests or used.tokens_limit is distinct from limit_of_tokens then
          used.requests_paid_until := used.requests_made_until;
          used.tokens_paid_until := used.tokens_made_until;
        end if;
      else
        select r.* into used from rate_limits r where r.workspace_id = workspace and r.model_id = model;
      end if;
      present := clock_timestamp();
      if booked > greatest(present, used.requests_paid_until, used.tokens_paid_until) then booked := null; end if;
      free_from := greatest(present, used.blocked_until);
      if free_from > present + longest_pause_ms * millisecond then
        return query select ceil(extract(epoch from free_from - present) * 1000)::integer, null::timestamptz, false;
        return;
      end if;
      if requests is not null then
        burst := greatest(1, floor(requests / 10));
        request_step := interval '1 minute' / (requests - burst + 1);
        if priority = 'batch' then burst := greatest(1, burst - greatest(1, floor(burst / 5))); end if;
        request_room := request_step * (burst - 1);
      end if;
      if limit_of_tokens is not null then
        burst := greatest(1, floor(limit_of_tokens / 10));
        token_step := interval '1 minute' / (limit_of_tokens - burst + 1);
        if priority = 'batch' then burst := greatest(1, burst - greatest(1, floor(burst / 5))); end if;
        token_room := token_step * greatest(0, burst - tokens);
      end if;
      behind_all := free_from;
      if priority <> 'question' then
        behind_all := greatest(free_from, used.requests_paid_until - request_room, used.tokens_paid_until - token_room);
      end if;
      soonest := greatest(
        free_from, used.requests_made_until - request_room, used.tokens_made_until - token_room, coalesce(booked, behind_all));
      if booked is null and soonest > present + longest_wait_ms * millisecond then
        return query select ceil(extract(epoch from soonest - present) * 1000)::integer, null::timestamptz, false;
        return;
      end if;
      moment := soonest;
      is_counted := soonest <= present + patience;
      is_queued := booked is null or not is_counted and soonest > booked and priority <> 'question';
      if is_queued and not is_counted then moment := greatest(soonest, behind_all); end if;
      if requests is not null or limit_of_tokens is not null then
        update rate_limits r
        set requests_paid_until = case when is_queued
              then greatest(moment, used.requests_paid_until) + request_step else used.requests_paid_until end,
            tokens_paid_until = case when is_queued
              then greatest(moment, used.tokens_paid_until) + token_step * tokens else used.tokens_paid_until end,
            requests_made_until = case when is_counted
              then greatest(moment, used.requests_made_until) + request_step else used.requests_made_until end,
            tokens_made_until = case when is_counted
              then greatest(moment, used.tokens_made_until) + token_step * tokens else used.tokens_made_until end,
            requests_limit = requests, tokens_limit = limit_of_tokens,
            updated_at = now()
        where r.workspace_id = workspace and r.model_id = model;
      end if;
      wait_ms := ceil(extract(epoch from moment - present) * 1000)::integer;
      return next;
    end $function$`,
};

const correct = {
  signature: 'correct_model_call(workspace uuid, model uuid, extra_requests integer, extra_tokens integer)',
  body: `
    returns void language sql volatile security definer set search_path = public, pg_temp as $function$
      update rate_limits r
      set requests_paid_until = r.requests_paid_until + l.request_step * extra_requests,
          requests_made_until = r.requests_made_until + l.request_step * extra_requests,
          tokens_paid_until = r.tokens_paid_until + l.token_step * extra_tokens,
          tokens_made_until = r.tokens_made_until + l.token_step * extra_tokens,
          updated_at = now()
      from (select interval '1 minute' / (m.requests - greatest(1, floor(m.requests / 10)) + 1) as request_step,
                   interval '1 minute' / (m.tokens - greatest(1, floor(m.tokens / 10)) + 1) as token_step
            from (select (capabilities ->> 'requestsPerMinute')::double precision as requests,
                         (capabilities ->> 'tokensPerMinute')::double precision as tokens
                  from models where workspace_id = workspace and id = model) m) l
      where r.workspace_id = workspace and r.model_id = model
    $function$`,
};

const functions = [book, correct];
