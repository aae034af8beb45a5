/** What jobs ask of the gateway over HTTP, as a person's tools do. Throws when it is refused. */
import { randomUUID } from 'node:crypto';

const LIMIT_MS = 60_000;

export async function decideApproval(
  gatewayUrl: string,
  approvalId: string,
  digest: string,
): Promise<void> {
  const response = await fetch(`${gatewayUrl}/v1/approvals/${approvalId}/decision`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': randomUUID() },
    body: JSON.stringify({ decision: 'approve', digest }),
    signal: AbortSignal.timeout(LIMIT_MS),
  });
  const said = await response.text();
  if (!response.ok) throw new Error(`${approvalId} was not approved: ${response.status} ${said}`);
}

/** The whole of it is read. */
export async function showDirective(gatewayUrl: string, id: string): Promise<number> {
  const signal = AbortSignal.timeout(LIMIT_MS);
  const response = await fetch(`${gatewayUrl}/v1/directives/${id}`, { signal });
  const text = await response.text();
  if (!response.ok) throw new Error(`${id} was not shown: ${response.status} ${text}`);
  return Buffer.byteLength(text);
}
