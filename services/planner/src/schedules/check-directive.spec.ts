import { scheduleCommands } from '@writ/contracts';
import { problemWith, refuseDirective } from './check-directive';

const subject = { kind: 'subject', subject: 'orders.>', variablesFrom: { order: '/id' } };
const cron = { kind: 'cron', cron: '0 6 * * *' };
const program = (...argv: string[]) => ({ kind: 'program', argv });

function created(adapter: object, trigger: object, more: object = {}) {
  const directive = {
    ...{ title: 't', goal: 'g', variables: { order: 'none' } },
    chain: { steps: [{ name: 'one', adapter, verify: 'none' }] },
    ...more,
  };
  return scheduleCommands.create.parse({ trigger, directive });
}

it('a directive may use the message, its places and the time', () => {
  const uses = program('echo', '${event}', '${order}', '${scheduledFor}');
  expect(refuseDirective(created(uses, subject))).toBeUndefined();
  expect(refuseDirective(created(program('echo', '${scheduledFor}'), cron))).toBeUndefined();
});

it('one by the clock has no message', () => {
  expect(refuseDirective(created(program('echo', '${event}'), cron))).toMatchObject({
    refused: 'invalid_directive',
    message: expect.stringContaining('no variable "event"') as string,
  });
});

it.each(['${event}', '${order}'])('a message never becomes a shell script: %s', (word) => {
  const shell = { kind: 'shell', script: `echo ${word}` };
  expect(refuseDirective(created(shell, subject))).toMatchObject({
    refused: 'invalid_schedule',
    details: { issues: [{ path: '/directive/chain/steps/0/adapter/script' }] },
  });
  const time = { kind: 'shell', script: 'echo ${scheduledFor} "$${event}"' };
  expect(refuseDirective(created(time, subject))).toBeUndefined();
});

it('a message never says where to work', () => {
  const workspace = { kind: 'directory', path: '/work/${order}' };
  expect(refuseDirective(created(program('ls'), subject, { workspace }))).toMatchObject({
    refused: 'invalid_schedule',
    details: { issues: [{ path: '/directive/workspace' }] },
  });
});

it('a place of the message is for a variable that the directive declares', () => {
  const trigger = { ...subject, variablesFrom: { other: '/id' } };
  expect(refuseDirective(created(program('ls'), trigger))).toMatchObject({
    refused: 'invalid_schedule',
    details: { issues: [{ path: '/trigger/variablesFrom/other' }] },
  });
});

it('what a message makes wrong is found when it fires', () => {
  const { directive } = created({ kind: 'program', argv: ['ls'], cwd: 'orders/${order}' }, subject);
  expect(problemWith({ directive }, { order: 'a' })).toBeUndefined();
  expect(problemWith({ directive }, { order: '../../etc' })).toMatchObject({
    reason: 'invalid',
    message: expect.stringContaining('leads out of the workspace') as string,
  });
});

it('a directive that this version cannot read any more is a problem, not an error', () => {
  const { directive } = created(program('ls'), cron);
  const strange = { ...directive, fromTheFuture: true };
  expect(problemWith({ directive: strange }, {})).toMatchObject({
    reason: 'invalid',
    message: expect.stringContaining('fromTheFuture') as string,
  });
});
