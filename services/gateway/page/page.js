'use strict';
// Follows one directive: events as they come, and the table of steps as it stands after them.
// Text goes in as text only; the policy of the page forbids anything else.

const KEPT_EVENTS = 500;

const main = document.querySelector('main[data-directive]');
// What the page was rendered with: a sign for each state, and the states that are final.
const signs = JSON.parse(main?.dataset.signs ?? '{}');
const ended = new Set(main?.dataset.final.split(' '));
if (main) follow(main.dataset.directive);

function follow(id) {
  const source = new EventSource(`/v1/directives/${id}/events`);
  const feed = document.getElementById('feed');
  let asking = false;
  let askAgain = false;
  let over = false;

  source.onopen = () => say('Live.');
  source.onerror = () => {
    if (!over) say('The connection is lost; it is tried again by itself.');
  };
  source.onmessage = ({ data }) => {
    addEvent(JSON.parse(data));
    void refresh();
  };

  function say(words) {
    if (feed.textContent !== words) feed.textContent = words;
  }

  async function refresh() {
    if (asking) {
      askAgain = true;
      return;
    }
    asking = true;
    try {
      do {
        askAgain = false;
        const response = await fetch(`/v1/directives/${id}`);
        if (!response.ok) throw new Error(`status ${response.status}`);
        const directive = await response.json();
        show(directive);
        if (ended.has(directive.status) && !askAgain) {
          over = true;
          say('It has ended.');
        }
      } while (askAgain);
    } catch (error) {
      say(`The state cannot be read now (${error.message}); the next event tries again.`);
    } finally {
      asking = false;
    }
  }
}

function addEvent(event) {
  const list = document.getElementById('events');
  const item = document.createElement('li');
  item.value = event.position;
  const step = event.data.step ? ` ${event.data.step}` : '';
  item.textContent = `${event.recordedAt.slice(11, 23)} ${event.type}${step}`;
  list.prepend(item);
  while (list.childElementCount > KEPT_EVENTS) list.lastElementChild.remove();
}

function show(directive) {
  setState(document.getElementById('status'), directive.status);
  document.getElementById('reason').textContent = directive.reason ?? '';
  const { branch, commit } = directive.workspace;
  if (branch) {
    const at = commit ? ` at ${commit.slice(0, 12)}` : '';
    document.getElementById('workspace').textContent = `Branch ${branch}${at}`;
  }
  const body = document.getElementById('steps');
  for (const step of directive.steps) {
    let row = body.querySelector(`tr[data-step="${step.name}"]`);
    if (!row) row = addRow(body, step);
    setState(row.querySelector('.status'), step.status);
    row.querySelector('.reason').textContent = note(step);
    row.querySelector('.took').textContent = took(step);
    row.querySelector('.made').replaceChildren(...step.artifacts.flatMap(link));
  }
}

function note({ reason, runStatus }) {
  return reason ?? (runStatus === 'skipped' ? 'taken from the cache' : '');
}

function addRow(body, step) {
  const row = body.insertRow();
  row.dataset.step = step.name;
  row.insertCell().className = 'status';
  const name = row.insertCell();
  const reason = document.createElement('div');
  reason.className = 'reason';
  name.append(step.name, reason);
  const after = row.insertCell();
  after.className = 'more';
  after.textContent = step.dependsOn.join(', ');
  row.insertCell().className = 'took';
  row.insertCell().className = 'made';
  return row;
}

function setState(cell, state) {
  const sign = document.createElement('span');
  sign.className = 'sign';
  sign.setAttribute('aria-hidden', 'true');
  sign.dataset.state = state;
  sign.textContent = signs[state] ?? '?';
  cell.replaceChildren(sign, ` ${state}`);
}

function link(artifact, index) {
  const anchor = document.createElement('a');
  const name = artifact.path.split('/').at(-1);
  anchor.href = `/v1/artifacts/${artifact.digest}?name=${encodeURIComponent(name)}`;
  anchor.textContent = artifact.path;
  return index === 0 ? [anchor] : [', ', anchor];
}

function took(step) {
  if (!step.startedAt || !step.completedAt) return '';
  const seconds = (Date.parse(step.completedAt) - Date.parse(step.startedAt)) / 1000;
  return seconds < 60 ? `${seconds.toFixed(1)} s` : `${(seconds / 60).toFixed(1)} min`;
}
