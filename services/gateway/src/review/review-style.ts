/** How a review looks; it stands in the page itself. */
export const REVIEW_STYLE = `
:root { color-scheme: light dark; --line: #8885; --good: #1a7f37; --bad: #cf222e; --mark: #0969da; }
@media (prefers-color-scheme: dark) { :root { --good: #3fb950; --bad: #f85149; --mark: #58a6ff; } }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; }
main { max-width: 60rem; margin: 0 auto; padding: 1rem; }
h1 small { font-weight: normal; opacity: .7; }
h2 { border-bottom: 1px solid var(--line); margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0; overflow-wrap: anywhere; }
th { white-space: nowrap; width: 1%; font-weight: 600; }
pre { overflow-x: auto; padding: .75rem; border: 1px solid var(--line); border-radius: 6px; font-size: .85rem; }
pre.summary { white-space: pre-wrap; font: inherit; border-left: 4px solid var(--mark); }
tr.passed td:first-child { color: var(--good); }
tr.failed td:first-child, tr.error td:first-child { color: var(--bad); }
.diff .added { color: var(--good); }
.diff .removed { color: var(--bad); }
.diff .hunk { color: var(--mark); }
.diff .head { font-weight: 600; }
.note { opacity: .7; }
`;
