/** A schedule as lines of text: when it fires, and what came of it. */
import { plainLine, type ScheduleDocument, type ScheduleTrigger } from '@writ/contracts';

import type { Style } from './style';

const FIRINGS_SHOWN = 10;

export function triggerText(trigger: ScheduleTrigger): string {
  return trigger.kind === 'cron' ? `${trigger.cron} (${trigger.timezone})` : trigger.subject;
}

/** The next times, as the clocks there show them. */
export function nextView(next: readonly string[], timezone: string): string[] {
  return next.map((time, at) => {
    const there = new Intl.DateTimeFormat('sv-SE', {
      ...{ timeZone: timezone, dateStyle: 'short', timeStyle: 'medium' },
    }).format(new Date(time));
    return `${at === 0 ? '  next        ' : '              '}${there} ${timezone}`;
  });
}

export function scheduleView(schedule: ScheduleDocument, style: Style): string[] {
  const { id, name, status, reason, trigger, overlap, catchUp, fired, skipped } = schedule;
  const { lastSkipped, listening, waiting, next } = schedule;
  const why = reason === null ? '' : ` (${plainLine(reason)})`;
  const subject = trigger.kind === 'subject';
  return [
    style.bold(`${plainLine(name)} is ${status}${why}`),
    '',
    `  schedule    ${id}`,
    `  when        ${plainLine(triggerText(trigger))}`,
    ...(subject ? [`  heard on    ${plainLine(listening ?? 'nothing')}`] : []),
    `  overlap     ${overlap}`,
    ...(subject ? [] : [`  catch up    ${catchUp}`, ...nextView(next, trigger.timezone)]),
    `  came        ${fired} fired, ${skipped} skipped`,
    ...(waiting === null ? [] : [`  waits       ${waiting.scheduledFor}`]),
    ...schedule.firings.slice(-FIRINGS_SHOWN).map(({ by, scheduledFor, directiveId, refused }) => {
      const said = refused === undefined ? '' : `: refused, ${plainLine(refused, 200)}`;
      return `  ${scheduledFor}  by ${by}  ${directiveId}${said}`;
    }),
    ...(lastSkipped === null
      ? []
      : [
          `  skipped last: ${lastSkipped.from === undefined ? '' : `${lastSkipped.from} to `}${lastSkipped.scheduledFor}`,
          `    ${plainLine(lastSkipped.message, 300)}`,
        ]),
  ];
}
