export interface Finding {
  readonly check: string;
  /** `warning`: works, but not as well as it could. */
  readonly level: 'ok' | 'warning' | 'error';
  readonly found: string;
  readonly cure?: string;
}
