/**
 * The commands of a document's shell blocks, in their order, for a test that does what the document
 * says. A comment behind a command that begins with a number says with which code it ends: `# 5: stale`.
 */
import { readFileSync } from 'node:fs';

export interface ReadmeCommand {
  /** `writ` without `npx`; else a program of the machine. */
  readonly program: string;
  readonly argv: readonly string[];
  readonly code: number;
}

export function readmeCommands(path: string): ReadmeCommand[] {
  const blocks = [...readFileSync(path, 'utf8').matchAll(/```sh\n([\s\S]*?)```/g)];
  return blocks.flatMap(([, block = '']) => block.trim().split('\n').map(commandOf));
}

function commandOf(line: string): ReadmeCommand {
  const [said = '', comment = ''] = line.split(/\s+#\s+/, 2);
  const words = [...said.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare);
  const [program = '', ...argv] = (words[0] === 'npx' ? words.slice(1) : words) as string[];
  return { program, argv, code: Number(/^\d+/.exec(comment)?.[0] ?? 0) };
}

/** What stands for something that only a run of it knows, such as DIRECTIVE, is put in. */
export const filledIn = (argv: readonly string[], values: Readonly<Record<string, string>>) =>
  argv.map((word) => values[word] ?? word);
