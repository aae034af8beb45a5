import { plainLine, plainText } from '@writ/contracts';

import { deadLetterPath } from '../api-path';
import { Gateway } from '../gateway-client';
import { Output } from '../output';
import type { CommonOptions } from '../program';
import { table } from '../view/style';

interface Letter {
  readonly id: string;
  readonly sequence: number;
  readonly reason: string;
  readonly subject: string;
  readonly consumer: string;
  readonly at: string;
  readonly deliveryCount: number;
  readonly error: { readonly name: string; readonly message: string; readonly code?: string };
  readonly headers?: Readonly<Record<string, string>>;
  readonly bodyBase64?: string;
  readonly dataref?: string;
}

export async function ls(options: CommonOptions & { limit?: number }): Promise<void> {
  const output = new Output(options);
  const query = options.limit === undefined ? '' : `?limit=${options.limit}`;
  const letters = await Gateway.find().get<Letter[]>(`/v1/dead-letters${query}`);
  if (output.json) {
    output.value(letters);
    return;
  }
  if (letters.length === 0) {
    output.talk('no dead letters');
    return;
  }
  const rows = letters.map((it) => [
    String(it.sequence),
    it.at.slice(0, 19).replace('T', ' '),
    it.reason,
    it.subject,
    plainLine(it.error.message, 80),
  ]);
  output.data(table(rows).join('\n'));
  output.talk('look at one with "writ dlq show ID", send it again with "writ dlq replay ID"');
}

export async function show(id: string, options: CommonOptions): Promise<void> {
  const output = new Output(options);
  const letter = await Gateway.find().get<Letter>(deadLetterPath(id));
  if (output.json) {
    output.value(letter);
    return;
  }
  const { error } = letter;
  const facts = [
    ['id', `${letter.sequence} (${letter.id})`],
    ['reason', letter.reason],
    ['error', `${error.code ?? error.name}: ${plainLine(error.message, 500)}`],
    ['subject', letter.subject],
    ['consumer', `${letter.consumer}, ${letter.deliveryCount} deliveries`],
    ['at', letter.at],
    ...Object.entries(letter.headers ?? {}).map(([name, value]) => [name, plainLine(value)]),
  ];
  const body =
    letter.dataref ?? plainText(Buffer.from(letter.bodyBase64 ?? '', 'base64').toString('utf8'));
  output.data([...table(facts), '', body].join('\n'));
}

export async function replay(id: string, options: CommonOptions): Promise<void> {
  const output = new Output(options);
  const path = `${deadLetterPath(id)}/replay`;
  const sent = await Gateway.find().post<{ id: string; subject: string }>(path, {});
  if (output.json) output.value(sent);
  else output.talk(`sent again to ${sent.subject}`);
}
