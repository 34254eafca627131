// Runs, and one run.

import { cards, cell, count, element, lasted, pages, quiet, runLink, size, span, state, table, when } from "./made.js";
import { rate, rates, remember } from "./plot.js";

const PAGE = 100;
const FATES = ["", "done", "failed", "waiting", "started"];
const HEADS = [["run"], ["command"], ["state"], ["started"], ["lasted"], ["listed", "number"], ["done", "number"],
  ["failed", "number"], ["waiting", "number"], ["bytes", "number"], ["job"]];

function row(run) {
  return element("tr", {}, cell(runLink(run.run), "name"), cell(run.command), cell(state(run.state)), cell(when(run.started), "name"),
    cell(lasted(run), "name"), cell(count(run.listed), "number"), cell(count(run.done), "number"), cell(count(run.failed), "number"),
    cell(count(run.waiting), "number"), cell(size(run.bytes), "number name"), cell(run.name || `${run.source} → ${run.target}`, "key"));
}

function speed(run) {
  const past = remember(run), last = past.length - 1;
  const isCut = !run.ended && run.state !== "running", seconds = Math.max(1, (run.ended || Date.now() / 1000) - run.started);
  const isLive = run.state === "running" && past.length > 1;
  const bytes = isLive ? rate(past, last, 2) : run.bytes / seconds;
  const objects = isLive ? rate(past, last, 1) : run.listed / seconds;
  const left = run.state === "running" && run.found > run.listed && objects ? (run.found - run.listed) / objects : null;
  return { past, bytes: isCut ? null : bytes, objects, left };
}

function running(run) {
  const { bytes, left } = speed(run);
  const found = Math.max(run.found || 0, run.listed);
  return element("article", { class: "running-run" },
    element("p", {}, runLink(run.run), ` ${run.command} `, element("span", { class: "key" }, run.name || `${run.source} → ${run.target}`)),
    element("progress", { max: found || 1, value: run.listed, "aria-label": `${run.listed} of ${found} found` }),
    element("p", { class: "quiet" }, [`${count(run.listed)} of ${count(found)} found`, `${count(run.done)} done`, `${count(run.failed)} failed`,
      size(run.bytes), `${size(bytes)}/s`, left === null ? "" : `about ${span(left)} left`].filter(Boolean).join(" · ")));
}

export async function runsPage(ask, words) {
  const offset = Number(words.get("offset") || 0);
  const told = await ask(`/v1/runs?limit=${PAGE}&offset=${offset}`);
  const active = told.runs.filter((run) => run.state === "running");
  const more = pages("#/runs", words, {
    before: offset > 0 ? { offset: Math.max(0, offset - PAGE) } : null,
    after: offset + PAGE < told.total ? { offset: offset + PAGE } : null });
  return [
    ...told.unreadable.map((text) => element("p", { class: "failed" }, text)),
    element("h2", {}, "Running now"), ...(active.length ? active.map(running) : [quiet("Nothing runs now.")]),
    element("h2", {}, `All runs (${count(told.total)})`), table(HEADS, told.runs.map(row), "There are no runs yet."), more,
  ];
}

function filter(here, words) {
  const show = (event) => {
    event.preventDefault();
    const form = new FormData(event.target);
    location.hash = `${here}?${new URLSearchParams({ fate: form.get("fate"), prefix: form.get("prefix") })}`;
  };
  return element("form", { onsubmit: show, "aria-label": "Which objects" },
    element("label", { for: "fate" }, "fate"),
    element("select", { id: "fate", name: "fate" }, FATES.map((word) =>
      element("option", { value: word, selected: word === (words.get("fate") || "") }, word || "all"))),
    element("label", { for: "prefix" }, "keys that begin with"),
    element("input", { id: "prefix", name: "prefix", value: words.get("prefix") || "", autocomplete: "off" }),
    element("button", { type: "submit" }, "Show"));
}

function objects(page, here, words) {
  const rows = page.objects.map((one) => element("tr", {}, cell(one.key, "key"), cell(one.verb), cell(state(one.fate)),
    cell(size(one.size), "number name"), cell(one.proof), cell(one.message ? `${one.cause ? `${one.cause}: ` : ""}${one.message}` : one.reason)));
  const step = { first: words.get("after") ? { after: "" } : null, after: page.next === null ? null : { after: page.next } };
  return [filter(here, words), table([["key"], ["verb"], ["fate"], ["size", "number"], ["proof"], ["why"]], rows, "None."), pages(here, words, step)];
}

function wrong(told) {
  return table([["cause"], ["fate"], ["objects", "number"], ["for instance"], ["what to do"]], told.errors.map((one) => element("tr", {},
    cell(one.cause), cell(state(one.fate)), cell(count(one.count), "number"), cell(`${one.key}: ${one.message}`, "key"), cell(one.remedy))), "Nothing.");
}

function endpoints(told) {
  return table([["side"], ["endpoint"], ["requests", "number"], ["faults", "number"], ["closed for", "number"], ["read", "number"], ["written", "number"]],
    told.endpoints.map((one) => element("tr", {}, cell(one.side), cell(one.endpoint, "key"), cell(count(one.requests), "number"),
      cell(count(one.faults), "number"), cell(one.times_opened ? span(one.seconds_open) : "", "number"),
      cell(size(one.bytes_read), "number name"), cell(size(one.bytes_written), "number name"))), "None was asked.");
}

export async function runPage(ask, words, id, save) {
  const path = `/v1/runs/${encodeURIComponent(id)}`, here = `#/runs/${encodeURIComponent(id)}`;
  const query = new URLSearchParams({ limit: PAGE, after: words.get("after") || "", prefix: words.get("prefix") || "" });
  if (words.get("fate")) query.set("fate", words.get("fate"));
  const [run, errors, ends, page] = await Promise.all([
    ask(path), ask(`${path}/errors`), ask(`${path}/endpoints`), ask(`${path}/objects?${query}`)]);
  const { past, bytes, left } = speed(run);
  const notes = Object.entries(run.notes || {}).map(([note, number]) => element("li", {}, `${count(number)} × ${note}`));
  return [
    element("h2", {}, `Run ${run.run}: ${run.command} `, state(run.state)),
    run.message ? element("p", { class: "failed" }, run.message) : null,
    element("p", { class: "quiet key" }, [run.source, run.target].filter(Boolean).join(" → ")),
    cards([["found", count(run.found)], ["listed", count(run.listed)], ["skipped", count(run.skipped)], ["done", count(run.done)],
      ["failed", count(run.failed)], ["waiting", count(run.waiting)], ["bytes", size(run.bytes)], ["rate", bytes === null ? "" : `${size(bytes)}/s`],
      ["left", left === null ? "" : `about ${span(left)}`], ["started", when(run.started)], ["lasted", lasted(run)], ["on", run.host]]),
    run.state === "running" ? rates(past) : element("p", {}, element("button", { type: "button",
      onclick: () => save(`${path}/proof`, `proof-${run.run}.jsonl`) }, "Save the proof")),
    element("h2", {}, "What went wrong"), wrong(errors),
    notes.length ? element("h2", {}, "What did not arrive as it was") : null, notes.length ? element("ul", {}, notes) : null,
    element("h2", {}, "Endpoints"), endpoints(ends),
    element("h2", {}, "Objects"), ...objects(page, here, words),
  ];
}
