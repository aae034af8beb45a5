/**
 * The command line at a glance: every command with its options. What a command does is in
 * `commands/`, loaded when it is called, so that `--help` costs no more than reading this.
 */
import { Command, CommanderError, Option } from 'commander';

import { CliError, EXIT } from './cli-error';
import { commands } from './commands';
import { inWords } from './file-error';
import { writHome } from './local/stack-home';
import {
  ago,
  collect,
  count,
  jsonValue,
  moment,
  names,
  natsAddress,
  port,
  position,
  seconds,
} from './option-values';
import { printError } from './output';
import { orderCommands } from './program-orders';
import { ruleCommands } from './program-rules';
import { scheduleCommands } from './program-schedules';

export interface CommonOptions {
  readonly json: boolean;
  readonly timeoutMs?: number;
}

type End = (code: number) => void;
type Action<A extends unknown[]> = (...args: A) => Promise<number | void>;
export type Common = typeof common;
export type Acts = <A extends unknown[]>(load: () => Action<A>) => ReturnType<typeof acts>;

export async function run(argv: readonly string[]): Promise<number> {
  let exitCode: number = EXIT.ok;
  const json = argv.includes('--json');
  const program = makeProgram((code) => (exitCode = code), json);
  try {
    await program.parseAsync(['node', 'writ', ...argv]);
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.ok;
    if (!(error instanceof CommanderError)) {
      return printError(inWords(error, writHome()), json).exitCode;
    }
    // Commander has said it already; with --json it kept silent.
    if (json) printError(new CliError('usage', usageMessage(error)), json);
    return EXIT.usage;
  }
}

function usageMessage({ message, code }: CommanderError): string {
  if (code === 'commander.help') return 'name a subcommand; "--help" lists them';
  return message.replace(/^error: /, '').replace(/\n/g, ' ');
}

/** With `json` it says nothing about wrong usage: the caller does, as JSON. */
export function makeProgram(end: End = () => undefined, json = false): Command {
  const program = new Command('writ')
    .description('Carries out directives: plans, executes, verifies, and keeps the record.')
    .version((require('../package.json') as { version: string }).version)
    .exitOverride()
    .configureOutput({
      writeErr: (text) => {
        if (!json) process.stderr.write(text);
      },
      outputError: (text, write) => write(text.replace(/^error:/, 'writ:')),
    })
    .showHelpAfterError('("--help" lists commands and options)')
    .addHelpText('after', FOOTER);
  stackCommands(program, end);
  directiveCommands(program, end);
  orderCommands(program, common, (load) => acts(end, load));
  approvalCommands(program, end);
  talkCommands(program, end);
  scheduleCommands(program, common, (load) => acts(end, load));
  ruleCommands(program, common, (load) => acts(end, load));
  recordCommands(program, end);
  bundleCommands(program, end);
  insightCommands(program, end);
  return program;
}

const FOOTER = `
Environment:
  WRIT_HOME    where the local stack keeps its things (.writ in this folder)
  WRIT_URL     the gateway of a stack elsewhere; WRIT_TOKEN its token
  NO_COLOR     no colours

Exit codes: 0 ok, 1 error, 2 usage or an erroneous file, 3 not found, 4 not allowed, 5 conflict,
6 waits for a person, 7 timeout, 10 the directive failed, 11 verification failed, 130 interrupted`;

/** Every command has `--json` and `--timeout`; the time of those that wait is kept by themselves. */
function common(command: Command, timeout = 'give up after so long'): Command {
  return command
    .option('--json', 'data as JSON on stdout', false)
    .addOption(new Option('--timeout <seconds>', timeout).argParser(seconds));
}

/** Runs an action with the options in the form in which the commands take them. */
function acts<A extends unknown[]>(end: End, load: () => Action<A>, waits = false) {
  return async (...args: unknown[]): Promise<void> => {
    const command = args.at(-1) as Command;
    const { timeout, ...options } = command.opts<{ timeout?: number; json: boolean }>();
    const timer =
      timeout === undefined || waits
        ? undefined
        : setTimeout(giveUp, timeout, timeout, options.json);
    const common = { ...options, ...(timeout === undefined ? {} : { timeoutMs: timeout }) };
    try {
      const code = await load()(...([...args.slice(0, -2), common] as unknown as A));
      if (typeof code === 'number') end(code);
    } finally {
      clearTimeout(timer);
    }
  };
}

function giveUp(ms: number, json: boolean): void {
  printError(new CliError('timeout', `no answer within ${ms / 1000} s`), json);
  process.exit(EXIT.timeout);
}

function stackCommands(program: Command, end: End): void {
  program.commandsGroup('Local stack:');
  common(program.command('up'), 'how long everything may take to be ready')
    .description('starts PostgreSQL, NATS and the services')
    .option('--detach', 'return when all are ready', false)
    .addOption(
      new Option('--only <services>', 'start some, e.g. planner,executor').argParser(names),
    )
    .addOption(new Option('--port <port>', 'of the gateway').argParser(port))
    .action(acts(end, commands.up, true));
  common(program.command('down'))
    .description('stops what "up" started')
    .action(acts(end, commands.down));
  common(program.command('doctor'))
    .description('looks at everything that is needed, and says what to do')
    .action(acts(end, commands.doctor));
  common(program.command('demo'), 'give up after so long')
    .description('runs an example on a stack of its own')
    .action(acts(end, commands.demo, true));
}

const fileArgument = ['<file>', 'directive file, YAML or JSON; - reads stdin'] as const;

function directiveCommands(program: Command, end: End): void {
  program.commandsGroup('Directives:');
  const withVariables = (command: Command) =>
    common(command)
      .argument(...fileArgument)
      .option('--var <name=value>', 'sets a variable of the file', collect, []);
  withVariables(program.command('submit'))
    .description('submits a directive')
    .option('--no-start', 'only create it; "start" starts it')
    .option('--key <key>', 'the same key again submits it only once')
    .action(acts(end, commands.submit));
  withVariables(program.command('plan'))
    .description('shows the plan of a directive, what is wrong and what it takes; writes nothing')
    .action(acts(end, commands.plan));
  withVariables(program.command('run'))
    .description('submits a directive and follows it to its end; starts a stack if none runs')
    .action(acts(end, commands.run, true));
  common(program.command('list'))
    .description('lists directives, newest first, save archived ones')
    .option('--status <status>', 'only those in this state')
    .addOption(new Option('--limit <n>', 'so many').argParser(count))
    .option('--after <id>', 'those after this one')
    .action(acts(end, () => commands.look().list));
  common(program.command('show').argument('<id>'))
    .description('shows a directive with its steps')
    .addOption(
      new Option('--at <moment>', 'as it was after a position, or at a time').argParser(moment),
    )
    .action(acts(end, () => commands.look().show));
  common(program.command('budget').argument('<id>'))
    .description('shows what a directive may spend and has spent')
    .action(acts(end, commands.budget));
  common(program.command('watch').argument('<id>'))
    .description('follows a directive to its end')
    .action(acts(end, commands.watch, true));
}

function approvalCommands(program: Command, end: End): void {
  program.commandsGroup('Approvals:');
  const inbox = program.command('approvals').description('what waits for a decision');
  common(inbox.command('list', { isDefault: true }))
    .description('lists it, what has waited longest first')
    .option('--status <status>', 'pending (default), approved, denied, reworked, voided, all')
    .option('--directive <id>', 'only of this directive')
    .addOption(new Option('--limit <n>', 'so many').argParser(count))
    .action(acts(end, () => commands.approvals().list));
  common(inbox.command('show').argument('<id>'))
    .description('shows what is asked with all that there is to see, and how to decide')
    .option('--request-md <file>', 'writes it as Markdown instead; - is stdout')
    .option('--html <file>', 'writes it as a page that needs nothing else; - is stdout')
    .action(acts(end, () => commands.approvals().show));
  for (const verb of ['approve', 'deny'] as const) {
    const command = common(program.command(verb).argument('<id>', 'of the approval'))
      .description(verb === 'approve' ? 'lets a step pass' : 'ends a step, or sends it back')
      .requiredOption('--digest <digest>', 'of what you have seen')
      .option('--comment <text>', 'for the record, and for the step that is sent back')
      .option('--as <person>', 'who decides')
      .option('--key <key>', 'the same key again acts only once');
    if (verb === 'approve') {
      command
        .option('--tick <items>', 'of the checklist: 1,2 or all')
        .option('--edit <path=file>', 'put this file in the place of it', collect, []);
    }
    if (verb === 'deny') command.option('--rework', 'run the step again with the comment', false);
    type Options = Parameters<ReturnType<typeof commands.approvals>['decide']>[2];
    command.action(
      acts(end, () => (id: string, options: Options) => {
        return commands.approvals().decide(verb, id, options);
      }),
    );
  }
}

function insightCommands(program: Command, end: End): void {
  program.commandsGroup('What the record says:');
  common(program.command('why').argument('<id>', 'of a directive, a step, a run or an approval'))
    .description('says why it is as it is, and what unblocks it')
    .action(acts(end, () => commands.insight().why));
  const at = new Option('--at <moment>', 'a position of the log, or a time').argParser(moment);
  common(program.command('state').argument('<id>'))
    .description('shows a directive as it was')
    .addOption(at.makeOptionMandatory())
    .action(acts(end, () => commands.look().show));
  common(program.command('diff'))
    .description('says where two directives part, or two moments of one (ID@POSITION, ID@TIME)')
    .argument('<a>')
    .argument('<b>')
    .action(acts(end, () => commands.insight().diff));
  common(program.command('backtest'))
    .description('says which past decisions would come out otherwise under another policy')
    .requiredOption('--policy <file>', 'YAML or JSON; - reads stdin')
    .addOption(
      new Option('--since <time>', 'only later ones; 90d: of the last 90 days').argParser(ago),
    )
    .addOption(new Option('--limit <n>', 'list so many of them').argParser(count))
    .action(acts(end, () => commands.insight().backtest));
}

function talkCommands(program: Command, end: End): void {
  type Talk = Parameters<ReturnType<typeof commands.approvals>['ask']>[1];
  common(program.command('ask').argument('<id>', 'of the approval'))
    .description('asks something about an approval; it decides nothing')
    .requiredOption('--question <text>', 'what is asked')
    .option('--as <person>', 'who asks')
    .option('--key <key>', 'the same key again acts only once')
    .action(acts(end, () => (id: string, options: Talk) => commands.approvals().ask(id, options)));
  common(program.command('answer').argument('<id>', 'of the approval'))
    .description('answers what was asked about an approval, or a step that is a question')
    .option('--digest <digest>', 'of the question that you have seen, to answer a step')
    .option('--choice <choice>', 'one of its choices')
    .option('--text <text>', 'in words')
    .addOption(new Option('--to <n>', 'which of several questions').argParser(count))
    .option('--as <person>', 'who answers')
    .option('--key <key>', 'the same key again acts only once')
    .action(
      acts(end, () => (id: string, options: Talk) => commands.approvals().answer(id, options)),
    );
}

function recordCommands(program: Command, end: End): void {
  program.commandsGroup('The record:');
  common(program.command('events'))
    .description('prints events of the log')
    .option('--directive <id>', 'only of this directive')
    .addOption(new Option('--after <position>', 'only later ones').argParser(position))
    .addOption(new Option('--limit <n>', 'so many').argParser(count))
    .option('--follow', 'go on with what comes', false)
    .action(acts(end, commands.events));
  common(program.command('logs').argument('<run>'))
    .description('prints what a run said, live while it runs')
    .action(acts(end, () => commands.runs().logs));
  common(program.command('run-info').argument('<run>'))
    .description('shows a run: stages, attempts, usage')
    .action(acts(end, () => commands.runs().runInfo));
  common(program.command('metrics').argument('<id>', 'a run or a directive'))
    .description('shows what it came to in figures: times, tries, checks, artifacts, cost')
    .action(acts(end, commands.metrics));
  const manifest = program.command('manifest').description('shows and verifies sealed manifests');
  common(manifest.command('show').argument('<id>', 'a run or a directive'))
    .description('prints the manifest')
    .action(acts(end, () => commands.manifest().show));
  common(manifest.command('verify').argument('<file>', '- reads stdin'))
    .description('checks the hashes in a manifest, with nothing running')
    .option('--digest <digest>', 'what it must be, as the log has it')
    .action(acts(end, () => commands.manifest().verify));
  const log = program.command('log').description('verifies the log');
  common(log.command('verify'))
    .description('recomputes every hash and compares the signed checkpoints')
    .action(acts(end, () => commands.upkeep().verifyLog));
  common(program.command('rebuild'))
    .description('builds the read models anew from the log')
    .option('--check', 'beside the live ones, and compares', false)
    .action(acts(end, () => commands.upkeep().rebuild));
  const dlq = program.command('dlq').description('dead letters: what could not be handled');
  common(dlq.command('ls'))
    .description('lists them, newest first')
    .addOption(new Option('--limit <n>', 'so many').argParser(count))
    .action(acts(end, () => commands.dlq().ls));
  common(dlq.command('show').argument('<id>'))
    .description('shows one with its error and the original')
    .action(acts(end, () => commands.dlq().show));
  common(dlq.command('replay').argument('<id>'))
    .description('sends the original again')
    .action(acts(end, () => commands.dlq().replay));
  workerCommands(program, end);
  program
    .command('completion')
    .description('prints a completion script: eval "$(writ completion bash)"')
    .argument('<shell>', 'bash, zsh or fish')
    .action((shell: string) => {
      process.stdout.write(commands.completion()(shell, program));
    });
}

function workerCommands(program: Command, end: End): void {
  const worker = program.command('worker').description('helps those who write workers');
  common(worker.command('conformance'), 'how long the worker may take for each thing')
    .description('plays Writ against a worker and misbehaves; says what it stands')
    .argument('<command...>', 'starts the worker: writ worker conformance -- python3 worker.py')
    .option('--name <name>', 'under which it takes work (WRIT_WORKER)', 'conformance')
    .addOption(new Option('--input <json>', 'what it is given to do').argParser(jsonValue))
    .addOption(new Option('--slow-input <json>', 'what takes it seconds').argParser(jsonValue))
    .addOption(new Option('--nats <url>', 'over this server, not its own').argParser(natsAddress))
    .action(acts(end, () => commands.worker().conformance, true));
}

function bundleCommands(program: Command, end: End): void {
  const bundle = program.command('bundle').description('what a directive made, in one zip file');
  const file = ['<file>', 'a zip file'] as const;
  common(bundle.command('export').argument('<id>', 'a directive'))
    .description('writes artifacts, manifests and transcripts with their digests')
    .requiredOption('--out <file>', 'the zip file to write')
    .option('--step <name>', 'only of this step')
    .option('--force', 'replace the file when it is there', false)
    .action(acts(end, () => commands.bundle().exportBundle));
  common(bundle.command('verify').argument(...file))
    .description('checks every digest and every member, with nothing running')
    .action(acts(end, () => commands.bundle().verify));
  common(bundle.command('import').argument(...file))
    .description('checks it and keeps its contents, so that steps can name them as inputs')
    .action(acts(end, () => commands.bundle().importBundle));
}
