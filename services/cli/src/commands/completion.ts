/** Completion scripts, written from the commands themselves. */
import type { Command } from 'commander';

import { CliError } from '../cli-error';

const nameOf = (command: Command) => command.name();
const flagsOf = (command: Command) => command.options.map(({ long }) => long ?? '').filter(Boolean);

export function completion(shell: string, program: Command): string {
  if (shell === 'bash') return bash(program);
  if (shell === 'zsh') return `autoload -U +X bashcompinit && bashcompinit\n${bash(program)}`;
  if (shell === 'fish') return fish(program);
  throw new CliError('usage', `there is a completion for bash, zsh and fish, not for "${shell}"`);
}

function bash(program: Command): string {
  const cases = program.commands.map((command) => {
    const words = [...command.commands.map(nameOf), ...flagsOf(command), '--help'];
    const nested = command.commands.flatMap(flagsOf);
    return `    ${nameOf(command)}) words="${[...new Set([...words, ...nested])].join(' ')}" ;;`;
  });
  return `_writ() {
  local words current="\${COMP_WORDS[COMP_CWORD]}"
  case "\${COMP_WORDS[1]}" in
${cases.join('\n')}
    *) words="" ;;
  esac
  if [ "$COMP_CWORD" -eq 1 ]; then
    words="${program.commands.map(nameOf).join(' ')} --help --version"
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _writ writ
`;
}

function fish(program: Command): string {
  const quoted = (text: string) => `'${text.replace(/['\\]/g, '\\$&')}'`;
  const lines = program.commands.flatMap((command) => {
    const within = `-n '__fish_seen_subcommand_from ${nameOf(command)}'`;
    const about = quoted(command.description());
    return [
      `complete -c writ -n __fish_use_subcommand -a ${nameOf(command)} -d ${about}`,
      ...command.commands.map(
        (it) => `complete -c writ ${within} -a ${nameOf(it)} -d ${quoted(it.description())}`,
      ),
      ...command.options.map(
        (it) =>
          `complete -c writ ${within} -l ${(it.long ?? '').slice(2)} -d ${quoted(it.description)}`,
      ),
    ];
  });
  return `${lines.join('\n')}\n`;
}
