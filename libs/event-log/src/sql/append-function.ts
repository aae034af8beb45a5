/**
 * `log.append`: the one way into the log. Takes appends (stream, expected version, count of events)
 * and their events flattened; says of each append what became of it, in the same order:
 *   appended   it went in: `first_position`, `hashes`, `recorded` and the stream's new version
 *   repeated   the same ids stand at these versions already; nothing was written
 *   conflict   the stream is at `actual_version`, not where it was expected
 *
 * A1 The head row is locked before anything is read of the log, and until the commit. In READ
 *    COMMITTED the statements after the lock see all that was committed under it, so versions and
 *    the last position cannot be stale, and positions are given in commit order without a gap.
 * A2 Each append sees those before it in the same call: rows are written in one statement at the
 *    end, and earlier where a stream comes a second time.
 * A3 An append among `followers` (their places, from 1) goes in only when the one before it in this
 *    call did, or had before; else it is a conflict, whatever its stream says.
 * A4 The hash is sha256 over exactly the text of `hashedText` in contracts. Names are checked
 *    here too, since they stand in that text unescaped.
 *
 * Loops build the rows because each hash needs the one before; single statements read and write
 * because they cost a tenth of one statement for each event. Plans are generic: the estimates for
 * unnested arrays would otherwise have the statements planned again in every call.
 */
const insertPending = `
    insert into log.event
    select u.position, u.stream, u.version, u.id, u.type, u.schema_version, u.data, u.metadata,
           recorded_at, u.hash
    from unnest(positions, event_streams, versions, ids, types, schema_versions, datas, metadatas,
                event_hashes)
      as u(position, stream, version, id, type, schema_version, data, metadata, hash)
    where u.position > written;`;

const currentVersion = (stream: string) =>
  `coalesce((select e.version from log.event e where e.stream = ${stream}
             order by e.version desc limit 1), 0)`;

export const createAppendFunction = `
create function log.append(
  streams text[], expected_versions integer[], counts integer[],
  ids uuid[], types text[], schema_versions integer[], datas text[], metadatas text[],
  followers integer[] default '{}'
)
returns table (
  outcome text, actual_version integer, first_position bigint, hashes bytea[], recorded text
)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
  appends constant integer := cardinality(streams);
  events constant integer := cardinality(ids);
  a_stream_repeats boolean;
  head bigint;                 -- the last position given
  written bigint;              -- the last position whose row is in the table
  previous bytea;
  recorded_at timestamptz;
  found_versions integer[];    -- of each append's stream, before this call
  stream text;
  event integer := 0;          -- index of the event before the append at hand
  last_event integer;
  positions bigint[] := array_fill(null::bigint, array[events]);
  event_streams text[] := array_fill(null::text, array[events]);
  versions integer[] := array_fill(null::integer, array[events]);
  event_hashes bytea[] := array_fill(null::bytea, array[events]);
begin
  if array_to_string(streams, '') ~ '[^A-Za-z0-9_-]'
     or array_to_string(types, '') ~ '[^A-Za-z0-9]' then
    raise exception 'a stream or a type has a character that names do not have'
      using errcode = 'invalid_parameter_value';
  end if;
  if not 0 < all(counts) then
    raise exception 'an append without events' using errcode = 'invalid_parameter_value';
  end if;
  a_stream_repeats := appends > 1
    and (select count(distinct s) < appends from unnest(streams) s);

  perform 1 from log.head for update; -- A1
  if not found then
    raise exception 'log.head has lost its row, so nothing can be appended'
      using errcode = 'data_corrupted', hint = 'insert into log.head values (true)';
  end if;
  select e.position, e.hash into head, previous
    from log.event e order by e.position desc limit 1;
  if not found then
    head := 0;
    previous := decode(repeat('00', 32), 'hex');
  end if;
  written := head;
  recorded_at := clock_timestamp();
  recorded := to_char(recorded_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
  found_versions := array(
    select ${currentVersion('u.stream')}
    from unnest(streams) with ordinality as u(stream, place) order by u.place
  );

  for append in 1 .. appends loop
    stream := streams[append];
    last_event := event + counts[append];
    actual_version := found_versions[append];
    if a_stream_repeats and stream = any(streams[1 : append - 1]) then -- A2
      ${insertPending}
      written := head;
      actual_version := ${currentVersion('streams[append]')};
    end if;

    if append = any(followers) and coalesce(outcome, 'conflict') = 'conflict' then -- A3
      outcome := 'conflict';
      first_position := null;
      hashes := null;
    elsif actual_version = expected_versions[append] then
      outcome := 'appended';
      first_position := head + 1;
      for i in event + 1 .. last_event loop
        head := head + 1;
        actual_version := actual_version + 1;
        previous := sha256(convert_to(concat( -- A4
          '{"data":', datas[i], ',"id":"', ids[i], '","metadata":', metadatas[i],
          ',"position":', head, ',"previous":"', encode(previous, 'hex'),
          '","recordedAt":"', recorded, '","schemaVersion":', schema_versions[i],
          ',"stream":"', stream, '","type":"', types[i], '","version":', actual_version, '}'
        ), 'UTF8'));
        positions[i] := head;
        event_streams[i] := stream;
        versions[i] := actual_version;
        event_hashes[i] := previous;
      end loop;
      hashes := event_hashes[event + 1 : last_event];
    else
      outcome := 'conflict';
      first_position := null;
      hashes := null;
      if actual_version >= expected_versions[append] + counts[append] and counts[append] = (
        select count(*) from log.event e
        where e.stream = streams[append]
          and e.version between expected_versions[append] + 1
                            and expected_versions[append] + counts[append]
          and e.id = ids[event + e.version - expected_versions[append]]
      ) then
        outcome := 'repeated';
      end if;
    end if;
    event := last_event;
    return next;
  end loop;
  if event <> events then
    raise exception 'the counts of the appends add up to %, but there are % events', event, events
      using errcode = 'invalid_parameter_value';
  end if;

  if head > written then
    ${insertPending}
  end if;
end $$;
revoke all on function log.append from public;
`;
