/** Commands about rules, with their options. */
import type { Command } from 'commander';
import { Option } from 'commander';

import { commands } from './commands';
import { count } from './option-values';
import type { Acts, Common } from './program';

export function ruleCommands(program: Command, common: Common, acts: Acts): void {
  program.commandsGroup('Policy:');
  const policy = program.command('policy').description('what may decide in the place of people');
  const rules = policy.command('rules').description('verdicts about approvals, earned in shadow');
  const said = (command: Command) =>
    command
      .option('--as <person>', 'who says so')
      .option('--key <key>', 'the same key again acts only once');
  common(rules.command('list', { isDefault: true }))
    .description('lists rules, and how often they agree with people')
    .option('--status <status>', 'shadow, promoted or revoked')
    .addOption(new Option('--limit <n>', 'so many').argParser(count))
    .action(acts(() => commands.rules().list));
  common(rules.command('show').argument('<name>'))
    .description('shows its judgements beside those of people, and all that it has decided')
    .action(acts(() => commands.rules().show));
  said(common(rules.command('add').argument('<file>', 'YAML or JSON; - reads stdin')))
    .description('makes a rule, which is in shadow until it is promoted')
    .action(acts(() => commands.rules().add));
  said(common(rules.command('promote').argument('<name>')))
    .description('lets it decide, once it has agreed with people often enough')
    .action(
      acts(() => (name: string, options: never) => commands.rules().tell('promote', name, options)),
    );
  said(common(rules.command('revoke').argument('<name>')))
    .description('ends it for good; what it has decided stays')
    .option('--reason <text>', 'for the record')
    .action(
      acts(() => (name: string, options: never) => commands.rules().tell('revoke', name, options)),
    );
}
