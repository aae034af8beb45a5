import { childOf, continueTrace, formatTraceparent, parseTraceparent, traceIdOf } from './tracing';

const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
const traceparent = `00-${trace}-00f067aa0ba902b7-01`;

test('a traceparent is read and written alike', () => {
  const context = parseTraceparent(traceparent);
  expect(context).toEqual({ traceId: trace, spanId: '00f067aa0ba902b7', traceFlags: 1 });
  expect(formatTraceparent(context!)).toBe(traceparent);
});

test.each([
  undefined,
  '',
  `ff-${trace}-00f067aa0ba902b7-01`,
  `00-${trace}-00f067aa0ba902b7-01-more`,
  `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
  `00-${trace}-${'0'.repeat(16)}-01`,
  traceparent.toUpperCase(),
])('%s is not valid and is ignored', (text) => {
  expect(parseTraceparent(text)).toBeUndefined();
  expect(traceIdOf(text)).toBeUndefined();
});

test('a later version is read as far as it is known', () => {
  expect(traceIdOf(`01-${trace}-00f067aa0ba902b7-03-more`)).toBe(trace);
});

test('a child stays in the trace with a span of its own', () => {
  const child = parseTraceparent(continueTrace(traceparent));
  expect(child?.traceId).toBe(trace);
  expect(child?.traceFlags).toBe(1);
  expect(child?.spanId).not.toBe('00f067aa0ba902b7');
});

test('what does not keep its own trace begins a new one', () => {
  expect(childOf(undefined).traceId).toMatch(/^[0-9a-f]{32}$/);
  expect(traceIdOf(continueTrace('nonsense'))).toMatch(/^[0-9a-f]{32}$/);
});
