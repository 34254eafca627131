// Relays, backups, thaws and rings.

import { cards, cell, count, element, lasted, pages, quiet, runLink, size, span, state, table, when } from "./made.js";
import { bars } from "./plot.js";

const PAGE = 100;

function hop(one) {
  if (!one) return "has not run";
  return `${one.state}: ${count(one.done)} done, ${count(one.failed)} failed, ${size(one.bytes_per_second)}/s`;
}

function relay(one) {
  const volumes = one.volumes.map((volume) => element("tr", {}, cell(volume.folder, "key"),
    cell(volume.size ? element("progress", { max: volume.size, value: volume.size - volume.free, "aria-label": `${volume.folder} is full to` }) : ""),
    cell(`${count(volume.objects)}, ${size(volume.bytes)}`, "number"), cell(volume.reason || "there")));
  const left = one.staged.seconds_left;
  return [
    element("h2", {}, `${one.source} → ${one.target} `, state(one.running ? "running" : "stopped")),
    cards([["fetch", hop(one.fetch)], ["forward", hop(one.forward)], ["staged", `${count(one.staged.objects)}, ${size(one.staged.bytes)}`],
      ["sent in about", left === null ? "" : span(left)], ["the oldest since", when(one.staged.oldest)]]),
    one.error ? element("p", { class: "failed" }, one.error) : null,
    table([["volume"], ["full"], ["staged", "number"], ["state"]], volumes, "No volumes."),
  ];
}

export async function relaysPage(ask) {
  const told = await ask("/v1/relays");
  const bad = told.unreadable.map((text) => element("p", { class: "failed" }, text));
  if (!told.relays.length) return [element("h2", {}, "Relays"), ...bad, quiet("No relay has run yet.")];
  return [...bad, ...told.relays.flatMap(relay)];
}

export async function backupsPage(ask) {
  const told = await ask("/v1/backups");
  const rows = told.backups.map((run) => element("tr", {}, cell(run.command), cell(`${run.source} → ${run.target}`, "key"), cell(state(run.state)),
    cell(runLink(run.run), "name"), cell(run.succeeded ? `${span(Date.now() / 1000 - run.succeeded)} ago` : "never", run.succeeded ? "name" : "failed"),
    cell(count(run.listed), "number"), cell(count(run.done), "number"), cell(count(run.failed), "number"), cell(size(run.bytes), "number name"),
    cell(run.message)));
  return [element("h2", {}, "Backups, restores, purges and drills"),
    table([["what"], ["from and to"], ["state"], ["last run"], ["last succeeded"], ["listed", "number"], ["done", "number"], ["failed", "number"],
      ["bytes", "number"], ["why"]], rows, "No backup has run yet.")];
}

export async function thawsPage(ask) {
  const told = await ask("/v1/thaws");
  const rows = told.thaws.map((run) => {
    const wish = run.configuration;
    const left = `#/runs/${encodeURIComponent(run.run)}?${new URLSearchParams({ fate: "waiting" })}`;
    return element("tr", {}, cell(run.source, "key"), cell(state(run.state)), cell([wish.tier, wish.days ? `${wish.days} days` : ""].filter(Boolean).join(", ")),
      cell(run.waiting ? element("a", { href: left }, count(run.waiting)) : "0", "number"), cell(count(run.done), "number"), cell(count(run.failed), "number"),
      cell(runLink(run.run), "name"), cell(`${when(run.started)}, ${lasted(run)}`));
  });
  return [element("h2", {}, "Thaws"), quiet("As each place looked when it was last looked at: run `bucketline thaw` again, or have it --wait."),
    table([["place"], ["state"], ["asked for"], ["being thawed", "number"], ["readable", "number"], ["failed", "number"], ["last look"], ["when"]],
      rows, "Nothing was thawed yet.")];
}

function ring(one) {
  const name = element("a", { href: `#/rings/${encodeURIComponent(one.ring)}` }, one.ring);
  if (one.error) return [element("h2", {}, name), element("p", { class: "failed" }, one.error)];
  if (!one.last) return [element("h2", {}, name), quiet("No run of it has come to its end.")];
  const { last } = one;
  const classes = last.classes.map((row) => element("tr", {},
    cell(element("a", { href: `#/rings/${encodeURIComponent(one.ring)}?${new URLSearchParams({ class: row.class })}` }, row.class), "name"),
    cell(count(row.count), "number"), cell(row.meaning)));
  const held = (column) => (last.capacity[column] || []).map((row) => ({ label: row.by || "(nobody)", amount: row.stored,
    said: `${size(row.stored)}, ${count(row.objects)} objects` }));
  return [
    element("h2", {}, name, ` as of ${when(last.begun)}`),
    last.partial.length ? element("p", { class: "failed" }, `It covers a part alone, so nothing may be deleted by it: ${last.partial.join("; ")}`) : null,
    table([["class"], ["count", "number"], ["meaning"]], classes, "Nothing was found."),
    element("h3", {}, "Orphans, run by run"), bars(last.orphans.map((row) => ({ label: row.run, amount: row.count, said: count(row.count) })), "No run yet."),
    ...["bucket", "age", "protection"].flatMap((column) => [element("h3", {}, `On disks, by ${column}`), bars(held(column), "Run bucketline ring capacity first.")]),
  ];
}

export async function ringsPage(ask) {
  const told = await ask("/v1/rings");
  if (!told.rings.length) return [element("h2", {}, "Rings"), quiet("The configuration has no rings.")];
  return told.rings.flatMap(ring);
}

export async function findingsPage(ask, words, name) {
  const offset = Number(words.get("offset") || 0), kind = words.get("class") || "";
  const told = await ask(`/v1/rings/${encodeURIComponent(name)}/findings?${new URLSearchParams({ class: kind, limit: PAGE, offset })}`);
  const rows = told.findings.map((one) => element("tr", {}, cell(one.class, "name"), cell(one.bucket, "key"), cell(one.key, "key"), cell(one.version, "key"),
    cell(one.main || one.input_key, "key"), cell(one.detail)));
  const step = { before: null, first: offset ? { offset: 0 } : null, after: rows.length === PAGE ? { offset: offset + PAGE } : null };
  return [element("h2", {}, `Ring ${name}: ${kind || "all findings"}`),
    table([["class"], ["bucket"], ["key"], ["version"], ["data"], ["detail"]], rows, "None."), pages(`#/rings/${encodeURIComponent(name)}`, words, step)];
}
