import { NotFoundException } from '@nestjs/common';
import { NotCanonicalError, refusalCodes, TerminalError } from '@writ/contracts';
import { QueryError, SendError, TimeoutError } from '@writ/messaging';

import { knownCode, Problem, problemDocument, statusOf, titleOf } from './problem';
import { asProblem } from './problem-filter';

test('every refusal code has a status and a title', () => {
  for (const code of Object.keys(refusalCodes)) {
    expect(statusOf[knownCode(code)]).toBeGreaterThanOrEqual(400);
    expect(statusOf[knownCode(code)]).toBeLessThan(500);
    expect(titleOf[knownCode(code)]).toBeTruthy();
  }
});

test.each([
  ['a refusal of a service', new QueryError('not_found', 'no such run'), 404, 'no such run'],
  ['a service that is not there', new QueryError('unavailable', 'nobody answers'), 503, 'nobody'],
  ['a service with too much to do', new QueryError('busy', '256 are under way'), 503, '256'],
  ['a service that failed', new QueryError('internal', 'relation "x" is gone'), 500, 'failed'],
  ['no answer in time', new TimeoutError('no answer within 5000 ms'), 503, '5000'],
  ['a message that was not stored', new SendError('not stored'), 503, 'not stored'],
  [
    'a message that can never be sent',
    new TerminalError('too-large', 'too many bytes'),
    413,
    'bytes',
  ],
  ['what JSON cannot say', new NotCanonicalError('/a', 'is nested too deep'), 400, '/a is nested'],
  ['an unknown path', new NotFoundException('Cannot GET /x'), 404, '/x'],
  ['a defect', new TypeError('x is undefined'), 500, 'the instance names it'],
  ['a thrown value', 'oops', 500, 'the instance names it'],
])('%s becomes a problem that says what its reader needs', (_, error, status, words) => {
  const document = problemDocument(asProblem(error), 'an-id');
  expect(document).toMatchObject({ status, instance: 'urn:uuid:an-id' });
  expect(document.detail).toContain(words);
});

test('the inside of a defect stays inside', () => {
  const secret = new Error('password=hunter2');
  expect(JSON.stringify(problemDocument(asProblem(secret), 'x'))).not.toContain('hunter2');
  const foreign = new QueryError('internal', 'password=hunter2', { stack: 'hunter2' });
  expect(JSON.stringify(problemDocument(asProblem(foreign), 'x'))).not.toContain('hunter2');
});

test('a problem document has the members of RFC 9457 and the code', () => {
  const problem = new Problem('stale', 'it changed', { now: 2 });
  expect(problemDocument(problem, 'x')).toEqual({
    type: 'urn:writ:problem:stale',
    title: 'it changed since it was seen',
    status: 409,
    detail: 'it changed',
    code: 'stale',
    details: { now: 2 },
    instance: 'urn:uuid:x',
  });
});
