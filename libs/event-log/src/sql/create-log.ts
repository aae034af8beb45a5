/**
 * The tables of the log. `log.event` is the truth; nothing else in this schema is.
 *
 * `log.head` is a row to lock and no more. It does not carry the head's position and hash: a row
 * that every append rewrites leaves a dead version each time, and while any snapshot in the
 * database lives (a backup, a long report) each append walks all of them. The head is the last row
 * of `log.event`, which an index finds at once.
 */
export const createLogTables = `
create table log.event (
  position bigint constraint event_position primary key,
  stream text collate "C" not null,
  version integer not null,
  id uuid not null,
  type text not null,
  schema_version integer not null,
  data text not null,
  metadata text not null,
  recorded_at timestamptz not null,
  hash bytea not null,
  constraint event_stream_version unique (stream, version),
  constraint event_id unique (id)
);
comment on table log.event is 'what happened; appended to by log.append, never changed';

create table log.head (
  only_row boolean primary key default true check (only_row)
);
insert into log.head values (true);
comment on table log.head is 'its one row is locked by whoever appends';

create table log.relay_cursor (
  only_row boolean primary key default true check (only_row),
  position bigint not null
);
insert into log.relay_cursor values (true, 0);
comment on table log.relay_cursor is 'everything at or before it has been published';
`;
