/** Commands about schedules, with their options. */
import type { Command } from 'commander';
import { Option } from 'commander';

import { commands } from './commands';
import { collect, count } from './option-values';
import type { Acts, Common } from './program';

const because = ['--reason <text>', 'for the record'] as const;
const VERBS = [
  ['pause', 'makes nothing until it is resumed', because],
  ['resume', 'goes on after a pause', null],
  ['remove', 'ends it for good; its directives go on', because],
  ['fire', 'makes a directive now', ['--event <text>', 'in place of a message']],
] as const;

export function scheduleCommands(program: Command, common: Common, acts: Acts): void {
  program.commandsGroup('Schedules:');
  const schedule = program.command('schedule').description('makes directives again and again');
  common(schedule.command('list', { isDefault: true }))
    .description('lists schedules, newest first')
    .option('--status <status>', 'active, paused or removed; else active and paused')
    .addOption(new Option('--limit <n>', 'so many').argParser(count))
    .action(acts(() => commands.schedule().list));
  common(schedule.command('create').argument('<file>', 'directive file; - reads stdin'))
    .description('makes one of a directive file')
    .option('--cron <expression>', 'when: five fields, or six with seconds first')
    .option('--timezone <name>', 'of the expression, e.g. Europe/Berlin (UTC)')
    .option('--subject <filter>', 'or: whenever a message comes there, e.g. orders.>')
    .option('--from <name=pointer>', 'a variable out of the JSON of the message', collect, [])
    .option('--overlap <rule>', 'while the last one runs: skip, allow or buffer-one')
    .option('--catch-up <policy>', 'of times that were missed: none, last (default) or all')
    .option('--name <name>', 'the title of the directive by default')
    .option('--var <name=value>', 'sets a variable of the file', collect, [])
    .option('--key <key>', 'the same key again makes only one')
    .action(acts(() => commands.schedule().create));
  common(schedule.command('show').argument('<id>'))
    .description('shows its next times and what it has made')
    .action(acts(() => commands.schedule().show));
  for (const [verb, description, option] of VERBS) {
    const command = common(schedule.command(verb).argument('<id>')).description(description);
    if (option !== null) command.option(option[0], option[1]);
    command
      .option('--key <key>', 'the same key again acts only once')
      .action(
        acts(() => (id: string, options: never) => commands.schedule().tell(verb, id, options)),
      );
  }
}
