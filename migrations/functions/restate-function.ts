/** A passage of a function's text, and what is to stand in its place. */
export type Passage = readonly [before: string, after: string];

/**
 * Changes passages of a function as it stands, which must be there. With the same parameters it keeps its owner and who may
 * call it; with others it takes the place of the former one.
 */
export function restateFunction(name: string, passages: readonly Passage[]): string {
  const changes = passages.map(
    ([before, after]) => `
      if position($passage$${before}$passage$ in definition) = 0 then
        raise exception '% does not have a passage that this migration changes', former;
      end if;
      definition := replace(definition, $passage$${before}$passage$, $passage$${after}$passage$);`,
  );
  return `
    do $change$
    declare
      former regprocedure := '${name}'::regproc;
      definition text := pg_get_functiondef(former);
    begin
      ${changes.join('')}
      execute definition;
      if (select count(*) from pg_proc where proname = '${name}' and pronamespace = 'public'::regnamespace) > 1 then
        execute format('drop function %s', former);
      end if;
    end $change$`;
}
