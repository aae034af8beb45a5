/** docs/SUBJECTS.md: the table of subjects for people. */
import { consumers, REPLY_TO_HEADER, streams } from '@writ/contracts';

import { channelTable } from './asyncapi';

export function subjectsPage(): string {
  const cells = (row: readonly string[]) => `| ${row.join(' | ')} |`;
  const table = (head: readonly string[], rows: readonly (readonly string[])[]) =>
    [cells(head), cells(head.map(() => '---')), ...rows.map(cells)].join('\n');
  const channels = channelTable();
  const group = (prefix: string) => channels.filter(({ id }) => id.startsWith(prefix));
  const list = (prefix: string) =>
    table(
      ['subject', 'message'],
      group(prefix).map(({ address, messages }) => [`\`${address}\``, messages[0]!.title]),
    );
  return `# Subjects

Written from \`libs/contracts/src/subjects.ts\` and the schemas; do not edit. The payloads are in
[asyncapi.json](asyncapi.json). Messages are CloudEvents 1.0 in binary mode: \`ce-*\` headers, JSON data.

## Streams

${table(
  ['stream', 'subjects', 'keeps', 'for', 'purpose'],
  Object.values(streams).map((stream) => [
    `\`${stream.name}\``,
    stream.subjects.map((it) => `\`${it}\``).join(' '),
    `${stream.retention}, in ${stream.storage}`,
    duration(stream.maxAgeMs),
    stream.purpose,
  ]),
)}

## Consumers

${table(
  ['consumer', 'stream', 'subject', 'does'],
  Object.values(consumers).map((it) => [
    `\`${it.name}\``,
    `\`${it.stream}\``,
    `\`${it.subject}\``,
    it.purpose,
  ]),
)}

## Commands

A command whose header \`${REPLY_TO_HEADER}\` names a subject is answered there with
\`{ok: true, directiveId, version, position}\` (of a schedule: \`{ok: true, scheduleId, version, position,
next, directiveId?}\`, of a rule: \`{ok: true, name, version, position}\`) or \`{ok: false, error: {code, message, details}}\`.

${list('command-')}

## Work

${list('work-')}
${list('evaluate-').split('\n').slice(2).join('\n')}

## Workers

How they are spoken to is in [WORKERS.md](WORKERS.md).

${list('worker-')}

## Events

${list('event-')}

## Queries

${list('query-')}

## Live output and dead letters

${list('log-')}
${list('dead-').split('\n').slice(2).join('\n')}
`;
}

function duration(ms: number): string {
  const hours = ms / 3_600_000;
  return hours % 24 === 0 ? `${hours / 24} d` : `${hours} h`;
}
