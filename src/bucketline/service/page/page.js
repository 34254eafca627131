"use strict";
// What the service tells, as a page. Keys come from strangers: text is only ever set as text.

const STORED = "bucketline-token";
const LOOK_MS = 5000;
const PAGE = 100;
const main = document.getElementById("main");
const stale = document.getElementById("stale");
const enter = document.getElementById("enter");
let token = sessionStorage.getItem(STORED) || "";
let timer = 0;
let heard = Date.now();
let turn = 0; // Of the page that is shown: answers for an earlier one are dropped.
const rates = new Map(); // Run -> [seconds, bytes a second] of the last minutes.

function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== null && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  for (const child of children.flat()) {
    if (child !== null && child !== undefined) made.append(child instanceof Node ? child : String(child));
  }
  return made;
}

function size(bytes) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let value = bytes, place = 0;
  while (value >= 1024 && place < units.length - 1) { value /= 1024; place += 1; }
  return `${place ? value.toFixed(1) : value} ${units[place]}`;
}

const count = (number) => (number === null || number === undefined ? "" : Number(number).toLocaleString("en"));
const when = (seconds) => (seconds ? new Date(seconds * 1000).toISOString().replace("T", " ").slice(0, 19) + " UTC" : "");

function lasted(run) {
  const seconds = Math.max(0, (run.ended || Date.now() / 1000) - run.started);
  const h = Math.floor(seconds / 3600), m = Math.floor(seconds / 60) % 60, s = Math.floor(seconds % 60);
  return h ? `${h} h ${m} min` : m ? `${m} min ${s} s` : `${s} s`;
}

const state = (word) => element("span", { class: `state ${word}` }, word);

async function ask(path, method) {
  const answer = await fetch(`..${path}`, { method: method || "GET", headers: { Authorization: `Bearer ${token}` } });
  if (answer.status === 401) { forget("That token is not taken."); throw new Error("401"); }
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.error ? told.error.message : `status ${answer.status}`);
  heard = Date.now();
  stale.hidden = true;
  return told;
}

function forget(why) {
  token = "";
  sessionStorage.removeItem(STORED);
  clearTimeout(timer);
  main.replaceChildren();
  stale.hidden = true;
  enter.hidden = false;
  document.getElementById("refused").textContent = why || "";
  document.getElementById("token").focus();
}

function table(heads, rows, empty) {
  if (!rows.length) return element("p", { class: "quiet" }, empty);
  const head = element("tr", {}, heads.map(([text, kind]) => element("th", { scope: "col", class: kind || null }, text)));
  return element("div", { class: "table" }, element("table", {}, element("thead", {}, head), element("tbody", {}, rows)));
}

const cell = (content, kind) => element("td", { class: kind || null }, content);

function runRow(run) {
  return element("tr", {},
    cell(element("a", { href: `#/runs/${encodeURIComponent(run.run)}` }, run.run), "name"),
    cell(run.command), cell(state(run.state)), cell(when(run.started), "name"), cell(lasted(run), "name"),
    cell(count(run.listed), "number"), cell(count(run.done), "number"), cell(count(run.failed), "number"),
    cell(count(run.waiting), "number"), cell(size(run.bytes), "number name"), cell(run.name || `${run.source} → ${run.target}`, "key"));
}

const RUN_HEADS = [["run"], ["command"], ["state"], ["started"], ["lasted"], ["listed", "number"], ["done", "number"],
  ["failed", "number"], ["waiting", "number"], ["bytes", "number"], ["job"]];

async function runsPage(words) {
  const offset = Number(words.get("offset") || 0);
  const told = await ask(`/v1/runs?limit=${PAGE}&offset=${offset}`);
  const active = told.runs.filter((run) => run.state === "running");
  const more = element("p", {},
    offset > 0 ? element("a", { href: `#/runs?offset=${Math.max(0, offset - PAGE)}` }, "newer ") : null,
    offset + PAGE < told.total ? element("a", { href: `#/runs?offset=${offset + PAGE}` }, "older") : null);
  return [
    element("h2", {}, "Running now"), table(RUN_HEADS, active.map(runRow), "Nothing runs now."),
    element("h2", {}, `All runs (${count(told.total)})`), table(RUN_HEADS, told.runs.map(runRow), "There are no runs yet."), more,
  ];
}

function remember(run) {
  const past = rates.get(run.run) || [];
  const now = Date.now() / 1000, last = past[past.length - 1];
  if (last) past.push([now, run.bytes, Math.max(0, (run.bytes - last[1]) / Math.max(0.001, now - last[0]))]);
  else past.push([now, run.bytes, 0]);
  rates.set(run.run, past.slice(-120));
  return past;
}

function plot(past) {
  const most = Math.max(1, ...past.map((one) => one[2]));
  const points = past.map((one, place) => `${(place / Math.max(1, past.length - 1)) * 100},${30 - (one[2] / most) * 28}`).join(" ");
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 100 32");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", `bytes a second of the last minutes, at most ${size(most)}/s`);
  const line = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
  line.setAttribute("points", points);
  svg.append(line);
  return svg;
}

function cards(facts) {
  return element("dl", { class: "cards" },
    facts.filter((fact) => fact[1] !== "").map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value))));
}

async function runPage(id, words) {
  const path = `/v1/runs/${encodeURIComponent(id)}`;
  const fate = words.get("fate") || "", after = words.get("after") || "";
  const query = new URLSearchParams({ limit: PAGE, after });
  if (fate) query.set("fate", fate);
  const [run, errors, ends, page] = await Promise.all([
    ask(path), ask(`${path}/errors`), ask(`${path}/endpoints`), ask(`${path}/objects?${query}`)]);
  const past = remember(run), here = `#/runs/${encodeURIComponent(id)}`;
  const rate = run.state === "running" && past.length > 1 ? past[past.length - 1][2] : run.bytes / Math.max(1, (run.ended || Date.now() / 1000) - run.started);
  const filter = element("form", { onsubmit: (event) => {
    event.preventDefault();
    const form = new FormData(event.target);
    location.hash = `${here}?${new URLSearchParams({ fate: form.get("fate"), after: form.get("after") })}`;
  } },
    element("label", { for: "fate" }, "fate"),
    element("select", { id: "fate", name: "fate" }, ["", "done", "failed", "waiting", "started"].map((word) =>
      element("option", { value: word, selected: word === fate }, word || "all"))),
    element("label", { for: "after" }, "keys after"),
    element("input", { id: "after", name: "after", value: after }),
    element("button", { type: "submit" }, "Show"));
  const objects = page.objects.map((one) => element("tr", {}, cell(one.key, "key"), cell(one.verb), cell(state(one.fate)),
    cell(size(one.size), "number"), cell(one.proof), cell(one.message ? `${one.cause}: ${one.message}` : one.reason)));
  const next = page.next === null ? null
    : element("p", {}, element("a", { href: `${here}?${new URLSearchParams({ fate, after: page.next })}` }, "next page"));
  return [
    element("h2", {}, `Run ${run.run}: ${run.command} `, state(run.state)),
    run.message ? element("p", { class: "failed" }, run.message) : null,
    element("p", { class: "quiet" }, `${run.source} → ${run.target}`),
    cards([["listed", count(run.listed)], ["skipped", count(run.skipped)], ["done", count(run.done)], ["failed", count(run.failed)],
      ["waiting", count(run.waiting)], ["bytes", size(run.bytes)], ["rate", `${size(rate)}/s`], ["started", when(run.started)], ["lasted", lasted(run)]]),
    run.state === "running" ? plot(past) : null,
    element("h2", {}, "What went wrong"),
    table([["cause"], ["fate"], ["objects", "number"], ["for instance"], ["what to do"]], errors.errors.map((one) => element("tr", {},
      cell(one.cause), cell(state(one.fate)), cell(count(one.count), "number"), cell(`${one.key}: ${one.message}`, "key"), cell(one.remedy))), "Nothing."),
    element("h2", {}, "Endpoints"),
    table([["side"], ["endpoint"], ["requests", "number"], ["faults", "number"], ["read", "number"], ["written", "number"]],
      ends.endpoints.map((one) => element("tr", {}, cell(one.side), cell(one.endpoint, "key"), cell(count(one.requests), "number"),
        cell(count(one.faults), "number"), cell(size(one.bytes_read), "number"), cell(size(one.bytes_written), "number"))), "None was asked."),
    element("h2", {}, "Objects"), filter,
    table([["key"], ["verb"], ["fate"], ["size", "number"], ["proof"], ["why"]], objects, "None."), next,
  ];
}

async function relaysPage() {
  const told = await ask("/v1/relays");
  if (!told.relays.length) return [element("h2", {}, "Relays"), element("p", { class: "quiet" }, "No relay has run yet.")];
  return told.relays.flatMap((relay) => {
    const hop = (one) => (one ? `${one.state}: ${count(one.done)} done, ${count(one.failed)} failed, ${size(one.bytes_per_second)}/s` : "has not run");
    return [
      element("h2", {}, `${relay.source} → ${relay.target} `, state(relay.running ? "running" : "stopped")),
      cards([["fetch", hop(relay.fetch)], ["forward", hop(relay.forward)], ["staged", `${count(relay.staged.objects)}, ${size(relay.staged.bytes)}`],
        ["the oldest since", when(relay.staged.oldest)]]),
      relay.error ? element("p", { class: "failed" }, relay.error) : null,
      table([["volume"], ["full"], ["staged", "number"], ["state"]], relay.volumes.map((one) => element("tr", {},
        cell(one.folder, "key"),
        cell(one.size ? element("progress", { max: one.size, value: one.size - one.free, "aria-label": `${one.folder} is full to` }) : ""),
        cell(`${count(one.objects)}, ${size(one.bytes)}`, "number"), cell(one.reason || "there"))), "No volumes."),
    ];
  });
}

async function jobsPage() {
  const told = await ask("/v1/jobs");
  const order = (job, verb) => async () => {
    try { await ask(`/v1/jobs/${encodeURIComponent(job)}/${verb}`, "POST"); }
    catch (error) { if (error.message !== "401") alertLine(`${job}: ${error.message}`); }
    show();
  };
  return [element("h2", {}, "Jobs"), table([["job"], ["kind"], ["from and to"], ["state"], ["last run"], [""]], told.jobs.map((one) => element("tr", {},
    cell(one.job, "key"), cell(one.kind), cell(`${one.source} → ${one.target}`, "key"), cell(state(one.running ? "running" : one.last ? one.last.state : "new")),
    cell(one.last ? element("a", { href: `#/runs/${encodeURIComponent(one.last.run)}` }, one.last.run) : ""),
    cell(one.running ? element("button", { type: "button", onclick: order(one.job, "stop") }, `Stop ${one.job}`)
      : element("button", { type: "button", onclick: order(one.job, "start") }, `Start ${one.job}`)))), "The configuration has no jobs.")];
}

function alertLine(text) {
  stale.textContent = text;
  stale.hidden = false;
}

async function show() {
  clearTimeout(timer);
  if (!token) { forget(""); return; }
  enter.hidden = true;
  const mine = ++turn;
  const [path, query] = (location.hash.slice(1) || "/runs").split("?");
  const words = new URLSearchParams(query || ""), parts = path.split("/").slice(1).map(decodeURIComponent);
  for (const link of document.querySelectorAll("nav a")) {
    const isHere = link.getAttribute("href") === `#/${parts[0]}`;
    isHere ? link.setAttribute("aria-current", "page") : link.removeAttribute("aria-current");
  }
  try {
    const pages = { relays: relaysPage, jobs: jobsPage };
    const made = parts[0] === "runs" && parts[1] ? await runPage(parts[1], words) : await (pages[parts[0]] || runsPage)(words);
    if (mine !== turn) return;
    const typed = document.activeElement && document.activeElement.closest("form, select, input");
    if (!typed || !main.contains(typed)) main.replaceChildren(...made.filter((one) => one !== null));
    main.dataset.shown = path;
  } catch (error) {
    if (error.message === "401") return;
    const seconds = Math.round((Date.now() - heard) / 1000);
    alertLine(`No good answer for ${seconds} s (${error.message}). What is shown is old.`);
  }
  if (mine === turn) timer = setTimeout(show, LOOK_MS);
}

enter.addEventListener("submit", (event) => {
  event.preventDefault();
  const field = document.getElementById("token");
  token = field.value.trim();
  field.value = "";
  sessionStorage.setItem(STORED, token);
  show();
});
document.getElementById("leave").addEventListener("click", () => forget(""));
window.addEventListener("hashchange", () => { main.replaceChildren(); show().then(() => main.focus()); });

const given = location.hash.match(/^#token=(bl_[\w-]+)(.*)$/);
if (given) { // From a link: kept for this tab, and taken out of its address.
  token = given[1];
  sessionStorage.setItem(STORED, token);
  history.replaceState(null, "", `#${given[2] || "/runs"}`);
}
show();
