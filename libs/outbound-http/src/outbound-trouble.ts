/**
 * There is no answer, and why: `refused` (the operator does not allow that address), `invalid` (no
 * such request can be made), `unreachable`, `timeout`, `redirects`.
 */
export type TroubleKind = 'refused' | 'invalid' | 'unreachable' | 'timeout' | 'redirects';

export class OutboundTrouble extends Error {
  constructor(
    readonly kind: TroubleKind,
    message: string,
  ) {
    super(message);
    this.name = 'OutboundTrouble';
  }
}
