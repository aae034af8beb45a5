/**
 * Refuses every change of what was appended, for everybody: grants give the services no such right,
 * the triggers stop owners and superusers too, also when `session_replication_role` would silence
 * ordinary triggers. Who disables the triggers first is found out by the hash chain.
 */
export const refuseChanges = `
create function log.refuse_change() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception 'the log is append-only: % of log.event is refused', tg_op
    using errcode = 'restrict_violation',
          hint = 'append an event that corrects the earlier one';
end $$;

create trigger event_is_append_only
  before update or delete or truncate on log.event
  for each statement execute function log.refuse_change();
alter table log.event enable always trigger event_is_append_only;

-- Without its row nobody could append.
create trigger head_stays
  before update or delete or truncate on log.head
  for each statement execute function log.refuse_change();
alter table log.head enable always trigger head_stays;
`;
