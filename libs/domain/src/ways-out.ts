/** The commands that change why something waits, or has ended as it has. One place, so that each is there. */
export const waysOut = {
  start: (directive: string) => `writ start ${directive}`,
  resume: (directive: string) => `writ resume ${directive}`,
  retry: (directive: string, step: string) => `writ retry ${directive} ${step}`,
  fork: (directive: string) => `writ fork ${directive}`,
  submitPlan: (directive: string) => `writ submit-plan ${directive} FILE`,
  approve: (approval: string, digest: string) => `writ approve ${approval} --digest ${digest}`,
  show: (directive: string) => `writ show ${directive}`,
  runInfo: (run: string) => `writ run-info ${run}`,
  logs: (run: string) => `writ logs ${run}`,
  doctor: () => 'writ doctor',
} as const;
