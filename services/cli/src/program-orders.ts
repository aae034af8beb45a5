/** Commands that tell a directive something, with their options. */
import type { Command } from 'commander';
import { Option } from 'commander';

import { commands } from './commands';
import { limitOptions } from './limit-options';
import { amount, position } from './option-values';
import type { Acts, Common } from './program';

const VERBS = [
  ['start', 'starts a directive that was submitted with --no-start', false],
  ['resume', 'goes on after a pause or a suspension', false],
  ['stop', 'ends a directive for good, running steps too', true],
  ['archive', 'puts an ended directive away', false],
] as const;

const KEY = 'the same key again acts only once';

export function orderCommands(program: Command, common: Common, acts: Acts): void {
  program.commandsGroup('Orders:');
  const keyed = (command: Command) => command.option('--key <key>', KEY);
  const reasoned = (command: Command) => keyed(command.option('--reason <text>', 'for the record'));
  const on = (name: string, words: string) =>
    common(program.command(name).argument('<id>', 'of the directive')).description(words);
  for (const [verb, words, takesReason] of VERBS) {
    const command = (takesReason ? reasoned : keyed)(on(verb, words));
    command.action(acts(() => (id: string, options: never) => commands.tell()(verb, id, options)));
  }
  reasoned(on('pause', 'starts no more steps; running ones end'))
    .option('--cut', 'cancel what runs; it starts anew with a resume', false)
    .action(acts(() => (id: string, options: never) => commands.tell()('pause', id, options)));
  const raise = reasoned(
    on('raise-limit', 'lets a directive go further, and on if it waits for it'),
  );
  for (const [flag] of limitOptions) {
    raise.addOption(new Option(`--${flag} <n>`).argParser(amount));
  }
  raise.action(acts(() => commands.orders().raiseLimit));
  reasoned(on('amend', 'changes goal, requirements, criteria, limits or policy'))
    .argument('<file>', 'YAML or JSON with what is to be another; - reads stdin')
    .action(acts(() => commands.orders().amend));
  reasoned(on('replan', 'gives a directive another chain; what passed and is unchanged stays'))
    .argument('[file]', 'with the chain; without it the planner of the directive makes one')
    .action(acts(() => commands.orders().replan));
  keyed(on('submit-plan', 'gives a directive the plan that it waits for'))
    .argument('[file]', 'with the chain; without it the one built with "writ step add"')
    .option('--rationale <text>', 'why this plan')
    .action(acts(() => commands.orders().submitPlan));
  for (const [name, verb, words] of [
    ['skip', 'skip-step', 'passes over a step'],
    ['retry', 'retry-step', 'runs a step again, and what has gone on from it'],
  ] as const) {
    reasoned(on(name, words).argument('<step>')).action(
      acts(() => (id: string, step: string, options: never) => {
        return commands.orders().tellStep(verb, id, step, options);
      }),
    );
  }
  stepCommands(program, common, acts);
  reasoned(on('rollback', 'goes back to before a step, the branch and what went on from it'))
    .argument('<step>')
    .option('--advisory-only', 'only say what it would mean, as Markdown', false)
    .action(acts(commands.rollback));
  keyed(on('fork', 'begins another directive where this one stood'))
    .addOption(new Option('--from <position>', 'of the log; default: now').argParser(position))
    .option('--changes <file>', 'what is to be another: goal, limits, policy')
    .option('--chain <file>', 'another chain')
    .option('--no-start', 'only create it')
    .action(acts(() => commands.orders().fork));
}

function stepCommands(program: Command, common: Common, acts: Acts): void {
  const keyed = (command: Command) => command.option('--key <key>', KEY);
  const step = program.command('step').description('changes the chain by one step');
  for (const [name, verb, words] of [
    ['add', 'add-step', 'adds a step'],
    ['update', 'update-step', 'puts a step in the place of the one of its name'],
  ] as const) {
    keyed(common(step.command(name).argument('<id>').argument('<file>', 'with the step')))
      .description(words)
      .action(
        acts(() => (id: string, file: string, options: never) => {
          return commands.orders().changeStep(verb, id, file, options);
        }),
      );
  }
  keyed(common(step.command('remove').argument('<id>').argument('<step>')))
    .description('removes a step that has not run')
    .action(
      acts(() => (id: string, name: string, options: never) => {
        return commands.orders().tellStep('remove-step', id, name, options);
      }),
    );
}
