// Jobs of the configuration: what they are, orders to them, and what they would do.

import { cell, count, element, quiet, runLink, size, state, table } from "./made.js";

const SHOWN = 200;

export async function jobsPage(ask, order) {
  const told = await ask("/v1/jobs");
  // Orders stand where a phone shows them.
  const rows = told.jobs.map((one) => element("tr", {}, cell(one.job, "name"),
    cell(state(one.running ? "running" : one.last ? one.last.state : "new")),
    cell([element("button", { type: "button", onclick: () => order(one.job, one.running ? "stop" : "start") }, one.running ? `Stop ${one.job}` : `Start ${one.job}`), " ",
      one.kind === "relay" ? "" : element("a", { href: `#/jobs/${encodeURIComponent(one.job)}/plan` }, `Plan of ${one.job}`)]),
    cell(one.last ? runLink(one.last.run) : "", "name"), cell(one.kind), cell(`${one.source} → ${one.target}`, "key"),
    cell(one.output.length ? element("details", {}, element("summary", {}, "what it said last"), element("pre", {}, one.output.join("\n"))) : "")));
  return [element("h2", {}, "Jobs"), table([["job"], ["state"], ["orders"], ["last run"], ["kind"], ["from and to"], [""]], rows,
    "The configuration has no jobs.")];
}

// A plan is looked at once, as its lines come; it is not asked for again and again.
export async function planPage(lines, job, draw) {
  const counts = new Map(), rows = [];
  let bytes = 0, total = "", wrong = "", drawn = 0;
  const page = () => [
    element("h2", {}, `What ${job} would do now`),
    wrong ? element("p", { class: "failed" }, wrong) : null,
    quiet([...[...counts].map(([verb, number]) => `${verb} ${count(number)}`), bytes ? size(bytes) : "", total || "looking …"].filter(Boolean).join(" · ")),
    table([["verb"], ["key"], ["size", "number"], ["why"]], rows, wrong ? "" : total ? "Nothing is to be done." : "Looking at both places."),
    quiet(rows.length === SHOWN ? `The first ${SHOWN} are shown.` : ""),
  ];
  draw(page());
  for await (const step of lines(`/v1/jobs/${encodeURIComponent(job)}/plan`)) {
    if (step.event === "error") wrong = step.message;
    if (step.verb && step.key !== undefined) {
      counts.set(step.verb, (counts.get(step.verb) || 0) + 1);
      bytes += step.bytes || step.size || 0;
      if (rows.length < SHOWN) {
        rows.push(element("tr", {}, cell(step.verb), cell(step.key, "key"), cell(size(step.bytes || step.size || 0), "number name"), cell(step.reason || "")));
      }
    }
    if (Date.now() - drawn > 500) { drawn = Date.now(); draw(page()); }
  }
  total = "nothing was changed";
  draw(page());
}
