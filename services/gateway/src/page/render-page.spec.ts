import { type DirectiveDocument, directiveStatuses, stepStatuses } from '@writ/contracts';

import { directivePage, listPage } from './render-page';

const evil = `<img src=x onerror=alert(1)>"'&\u202e\x1b[2J`;
const step = {
  ...{ id: 's', name: 'one', type: 'implement', status: 'failed', dependsOn: ['zero'], attempt: 1 },
  ...{ runId: null, runStatus: null, confidence: null, reason: evil },
  ...{ startedAt: '2026-01-01T00:00:00Z', completedAt: '2026-01-01T00:00:02.5Z' },
  artifacts: [{ path: `dir/${evil}.html`, digest: `sha256:${'0'.repeat(64)}`, bytes: 1 }],
};
const directive = {
  ...{ id: 'aaaaaaaaaaaaaaaa', title: evil, goal: evil, status: 'failed', reason: evil },
  ...{ generation: 1, createdAt: '2026-01-01T00:00:00Z', startedAt: null, completedAt: null },
  ...{ costUsd: 0, version: 3, position: 7, workspace: { branch: evil, commit: null } },
  ...{ steps: [step], approvals: [], criteria: [] },
} as unknown as DirectiveDocument;

test('text of directives, programs and agents cannot become markup', () => {
  for (const html of [listPage([directive]), directivePage(directive)]) {
    expect(html).not.toContain('<img');
    expect(html).not.toContain('\x1b');
    expect(html).not.toContain('\u202e');
    expect(html).toContain('&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&amp;&lt;U+202E&gt;');
  }
});

test('the page holds no inline script or style, as its policy demands', () => {
  const html = directivePage(directive);
  expect(html).not.toMatch(/<script(?! src="\/page\.js" defer>)/);
  expect(html).not.toMatch(/<style|\sstyle=|\son\w+=(?!alert)/);
});

test('an empty list shows the one command to start with', () => {
  expect(listPage([])).toContain('writ submit');
});

test('every state has a sign of its own beside its word, and the script is given the same', () => {
  for (const status of new Set([...directiveStatuses, ...stepStatuses])) {
    const html = directivePage({ ...directive, status: status as 'failed' });
    const sign = new RegExp(`data-state="${status}">([^<]+)</span> ${status}`).exec(html)?.[1];
    expect(sign).toMatch(/^[^?]$/u);
    expect(html).toContain(`&quot;${status}&quot;:&quot;${sign}&quot;`);
  }
});

test('a step that was taken from the cache says so', () => {
  const cached = { ...step, reason: undefined, runStatus: 'skipped', status: 'passed' };
  const html = directivePage({ ...directive, steps: [cached] } as unknown as DirectiveDocument);
  expect(html).toContain('<div class="reason">taken from the cache</div>');
});

test('what waits for a person is linked to its review, and nothing is decided there', () => {
  const id = 'aaaaaaaaaaaaaaaa-g1-one-a1-review';
  const context = { summary: evil };
  const waits = { id, stepName: 'one', type: 'step_review', status: 'pending', context };
  const over = { ...waits, id: 'aaaaaaaaaaaaaaaa-g1-two-a1-review', status: 'approved' };
  const asking = { ...directive, approvals: [waits, over] } as unknown as DirectiveDocument;
  for (const html of [listPage([asking]), directivePage(asking)]) {
    expect(html).toContain(`<a href="/v1/approvals/${id}/review">one: step review</a>`);
    expect(html).not.toContain(over.id);
    expect(html).not.toMatch(/<(img|form|button)/);
  }
});
