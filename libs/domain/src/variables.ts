/**
 * `${name}` in the strings of a directive: replaced once, nowhere else, never scanned again.
 * `$${` is a literal `${`. Names that the executor fills in when a step runs stay as they are.
 */
import { nearest, pointerOf, RUNTIME_VARIABLES } from '@writ/contracts';
import type { IssueList } from './issue-list';

const runtime: readonly string[] = RUNTIME_VARIABLES;

/** Characters that values may bring in, all together: a few lines could stand for gigabytes. */
const REPLACED_LIMIT = 4 * 1024 * 1024;

export class VariableReplacer {
  private room = REPLACED_LIMIT;
  /** Of the value that is looked at now. */
  private readonly path: string[] = [];

  constructor(
    private readonly variables: Readonly<Record<string, string>>,
    private readonly issues: IssueList,
  ) {}

  /**
   * Replaces in every string of a JSON value; keys stay as they are. What holds no reference is
   * returned itself, not a copy.
   */
  replace<T>(value: T): T {
    if (typeof value === 'string') return this.replaceIn(value) as T;
    if (typeof value !== 'object' || value === null) return value;
    let copy: Record<string, unknown> | undefined;
    for (const [key, member] of Object.entries(value)) {
      this.path.push(key);
      const replaced = this.replace<unknown>(member);
      this.path.pop();
      if (replaced === member) continue;
      copy ??= (Array.isArray(value) ? [...value] : { ...value }) as Record<string, unknown>;
      copy[key] = replaced;
    }
    return (copy ?? value) as T;
  }

  /** Looks at each character once, whatever is left open: the text may be a stranger's. */
  private replaceIn(text: string): string {
    const lastClose = text.lastIndexOf('}');
    let done = '';
    let from = 0;
    for (let open = text.indexOf('${'); open >= 0; open = text.indexOf('${', from)) {
      if (open > from && text[open - 1] === '$') {
        done += `${text.slice(from, open - 1)}\${`;
        from = open + 2;
      } else if (open > lastClose) {
        done += text.slice(from, open + 2);
        from = open + 2;
      } else {
        const close = text.indexOf('}', open);
        done += text.slice(from, open) + this.valueOf(text.slice(open + 2, close));
        from = close + 1;
      }
    }
    return done + text.slice(from);
  }

  /** What stands for `${name}`. */
  private valueOf(name: string): string {
    const whole = `\${${name}}`;
    if (runtime.includes(name)) return whole;
    const value = Object.hasOwn(this.variables, name) ? this.variables[name] : undefined;
    if (value === undefined) this.say('unknown_variable', () => this.unknown(name));
    return value !== undefined && this.take(value) ? value : whole;
  }

  private take(value: string): boolean {
    if (this.room < 0) return false; // said already
    this.room -= value.length;
    if (this.room >= 0) return true;
    const message = `the variables bring in more than ${REPLACED_LIMIT} characters`;
    this.say('too_large', () => `${message}; put what is large into "inputs"`);
    return false;
  }

  private say(code: 'unknown_variable' | 'too_large', message: () => string): void {
    this.issues.add(code, pointerOf(this.path), message);
  }

  private unknown(name: string): string {
    const near = nearest(name, [...Object.keys(this.variables), ...runtime]);
    const cure = near === undefined ? 'declare it under "variables".' : `did you mean "${near}"?`;
    const literal = 'A literal "${" is written "$${".';
    return `there is no variable "${name.slice(0, 100)}"; ${cure} ${literal}`;
  }
}
