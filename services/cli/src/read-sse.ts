/** Lines, and server-sent events, out of bytes that come in pieces of any size. */

export interface SseEvent {
  readonly id?: string;
  readonly event: string;
  readonly data: string;
}

/** Lines without their end; the last one also when no line end follows it. */
export async function* lineReader(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const piece of pieces) {
    rest += decoder.decode(piece, { stream: true });
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) yield line.endsWith('\r') ? line.slice(0, -1) : line;
  }
  rest += decoder.decode();
  if (rest !== '') yield rest;
}

/** Only whole events: one that the end of the stream cuts off is not told. */
export async function* readSse(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<SseEvent> {
  let id: string | undefined;
  let event = 'message';
  let data: string[] = [];
  for await (const line of lineReader(pieces)) {
    if (line === '') {
      if (data.length > 0)
        yield { ...(id === undefined ? {} : { id }), event, data: data.join('\n') };
      event = 'message';
      data = [];
      continue;
    }
    const colon = line.indexOf(':');
    if (colon === 0) continue;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') data.push(value);
    else if (field === 'id') id = value;
    else if (field === 'event') event = value;
  }
}
