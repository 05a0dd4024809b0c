// Shows one answer of the API at a time: a page never mixes two blocks.
"use strict";

const WORST_FIRST = ["bad_debt", "liquidatable", "unknown", "at_risk", "ok", "no_debt", "empty"];
const show = (id, text) => { document.getElementById(id).textContent = text; };
// Cut, never rounded up: 0.99996 must not read as 1.
const cut = (value, digits) => {
  if (value === null) return "–";
  const [whole, fraction = ""] = value.split(".");
  return fraction && digits ? `${whole}.${fraction.slice(0, digits)}` : whole;
};
const health = (value) => (value === null ? "–" : `${cut(value.value, 6)} ${value.state}`);

function cell(row, text, kind) {
  const td = row.insertCell();
  td.textContent = text;
  if (kind) td.className = kind;
}

function render(answer) {
  show("sentence", answer.sentence);
  show("state", answer.state);
  document.getElementById("state").className = answer.state;
  show("health", health(answer.portfolio_health));
  const coverage = answer.two_day_coverage;
  show("coverage", coverage.value === null ? "–" : `${cut(String(Number(coverage.value) * 100), 1)}% (${coverage.binding})`);
  show("equity", cut(answer.equity, 2));
  show("block", answer.as_of.map((block) => block.block_number).join(", "));
  const banner = document.getElementById("incomplete");
  banner.hidden = answer.complete;
  banner.textContent = "Incomplete: something could not be read. Nothing unread is assumed healthy.";
  const table = document.getElementById("accounts");
  table.replaceChildren();
  const worst = (account) => WORST_FIRST.indexOf(account.state);
  for (const account of [...answer.accounts].sort((a, b) => worst(a) - worst(b))) {
    const row = table.insertRow();
    cell(row, account.venue);
    cell(row, account.state, account.state);
    cell(row, health(account.health));
    cell(row, health(account.venue_health));
    cell(row, account.parity.status, account.parity.status);
  }
  const problems = answer.problems.map((problem) => {
    const item = document.createElement("li");
    item.textContent = [problem.severity, problem.venue, problem.code || problem.reason, problem.detail]
      .filter(Boolean).join(" · ");
    return item;
  });
  document.getElementById("problems").replaceChildren(...problems);
}

async function refresh(owner) {
  try {
    const reply = await fetch(`/v1/accounts/${owner}/health`);
    const answer = await reply.json();
    if (!reply.ok) throw new Error(answer.detail);
    render(answer);
  } catch (error) {
    const banner = document.getElementById("incomplete");
    banner.hidden = false;
    banner.textContent = `No new answer: ${error.message}. The numbers below are older.`;
  }
}

(async () => {
  const { owner } = await (await fetch("/demo/owner")).json();
  await refresh(owner);
  setInterval(() => refresh(owner), 1500);
})();
