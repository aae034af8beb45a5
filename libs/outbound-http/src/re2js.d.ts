/** What is used of re2js, whose package gives its types to importers of modules only. */
declare module 're2js' {
  export class RE2JSException extends Error {}
  export interface Matcher {
    find(): boolean;
    /** Of the match that was found. */
    start(): number;
  }
  export class RE2JS {
    static readonly CASE_INSENSITIVE: number;
    static readonly DOTALL: number;
    static readonly MULTILINE: number;
    /** Throws RE2JSException. */
    static compile(expression: string, flags?: number): RE2JS;
    matcher(text: string): Matcher;
  }
}
