// The page over time. Everything that is shown is made of the data in the page; names
// are only ever set as text. A frame changes what differs from the one before.
(() => {
"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const { states, services, links, events } = data;
const app = document.getElementById("app");
if (!services.length) return;

// What makes elements. Text is never markup.
const make = (tag, attributes = {}, ...children) => {
  const e = document.createElement(tag);
  fill(e, attributes, children);
  return e;
};
const draw = (tag, attributes = {}, ...children) => {
  const e = document.createElementNS("http://www.w3.org/2000/svg", tag);
  fill(e, attributes, children);
  return e;
};
function fill(e, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") e.addEventListener(name, value);
    else if (value !== undefined && value !== false) e.setAttribute(name, value === true ? "" : value);
  }
  e.append(...children.filter(c => c !== null && c !== undefined));
}

// Times.
const start = data.start ? Date.parse(data.start) : NaN;
const zone = data.start ? (/([+-])(\d\d):(\d\d)$/.exec(data.start) || []) : [];
const offset = zone.length ? (zone[1] === "-" ? -1 : 1) * (60 * zone[2] + +zone[3]) * 60000 : 0;
const span = s => {
  if (data.length < 10) return s.toFixed(2) + "s";
  s = Math.round(s);
  const h = Math.floor(s / 3600), m = Math.floor(s % 3600 / 60);
  return (h ? h + "h" : "") + (h || m ? String(m).padStart(h ? 2 : 1, "0") + "m" : "") + (data.length > 2 * 86400 ? "" : String(s % 60).padStart(h || m ? 2 : 1, "0") + "s");
};
const tick = s => span(s).replace(/([hm])0+[ms]?(0+s)?$/, "$1").replace(/^0+s$/, "0").replace(/m00s$/, "m");
const wall = s => isNaN(start) ? "" : new Date(start + offset + s * 1000).toISOString().slice(data.length > 86400 ? 5 : 11, 19).replace("T", " ");
const clockWords = s => data.kind === "blast" ? "after " + span(s) : span(s) + (isNaN(start) ? "" : " · " + wall(s));

// The state of a service at a time: the last window that has begun, if it is not over.
function stateAt(i, t) {
  const w = services[i].w;
  if (!w) return 0;
  let low = 0, high = w.length;
  while (low < high) {
    const mid = (low + high) >> 1;
    if (w[mid][0] <= t) low = mid + 1; else high = mid;
  }
  return low && (t < w[low - 1][1] || w[low - 1][1] >= data.played && t <= w[low - 1][1]) ? w[low - 1][2] : 0;
}
const hit = i => !!services[i].w;

// Needs, both ways.
const needs = services.map(() => []), users = services.map(() => []);
for (const [from, to, kind] of links) { needs[from].push([to, kind]); users[to].push([from, kind]); }

// ---- What is shown as one box: a service, the folded services of a group, or all that
// were never affected.
const quietKey = "\u0000quiet";
const groups = [...new Set(services.map(s => s.group || ""))];
const folded = new Set();
let showQuiet = false, foldLoops = false, time = 0, chosen = -1, focus = "all", layout = "columns";
const shownCount = services.filter((_, i) => hit(i) || services[i].root).length;
if (shownCount > 90) for (const g of groups) folded.add(g);
if (shownCount === 0) showQuiet = true;

function units() {
  const all = new Map();
  services.forEach((s, i) => {
    let key = "s" + i, label = s.title, fold = false;
    if (!hit(i) && !s.root && !showQuiet) { key = quietKey; fold = true; label = "never affected"; }
    else if (foldLoops && s.loop) { key = "l" + s.loop; fold = true; label = "a loop of services"; }
    else if (folded.has(s.group || "") && !s.root) { key = "g" + (s.group || ""); fold = true; label = (s.group || "other services").split("/").join(" / "); }
    let u = all.get(key);
    if (!u) all.set(key, u = { key, label, fold, services: [], col: s.col, group: fold ? "" : s.group || "" });
    u.services.push(i);
    if (s.col < u.col) u.col = s.col;
  });
  const list = [...all.values()];
  for (const u of list) if (u.key[0] === "l") u.label = cut(services[u.services[0]].title, 12) + " and its loop";
  for (const u of list) if (u.services.length === 1 && u.key !== quietKey) { u.fold = false; u.label = services[u.services[0]].title; }
  return list;
}

// ---- The layout: a column for each step of the way a failure took, groups in frames.
// Long columns stand side by side; neighbours stand near what hit them.
const size = { width: 150, height: 36, gap: 7, column: 48, cap: 18, pad: 8 };
function place(list) {
  const quiet = list.filter(u => u.key === quietKey);
  const rest = list.filter(u => u.key !== quietKey);
  const columns = [];
  for (const u of rest) (columns[u.col] ||= []).push(u);
  const most = Math.max(12, Math.ceil(Math.sqrt(rest.length) * 2.6));
  const at = new Map();
  const of = new Map();
  for (const u of list) for (const i of u.services) of.set(i, u);
  const frames = [];
  let x = 0, bottom = 0;
  for (const column of columns.filter(Boolean)) {
    // Groups by where their causes stand, services in them likewise.
    const mean = u => {
      let sum = 0, n = 0;
      for (const i of u.services) {
        const by = services[i].by >= 0 ? of.get(services[i].by) : null;
        if (by && at.has(by)) { sum += at.get(by).y; n++; }
      }
      return n ? sum / n : 0;
    };
    const byGroup = new Map();
    for (const u of column) { u.mean = mean(u); (byGroup.get(u.group) || byGroup.set(u.group, []).get(u.group)).push(u); }
    const order = [...byGroup.entries()].map(([name, members]) => ({ name, members, mean: members.reduce((s, u) => s + u.mean, 0) / members.length }));
    order.sort((a, b) => a.mean - b.mean || (a.name < b.name ? -1 : 1));
    let y = 0, taken = 0, tallest = 0;
    const piles = [[]];
    for (const g of order) {
      g.members.sort((a, b) => a.mean - b.mean || a.services[0] - b.services[0]);
      for (let k = 0; k < g.members.length; k += most) {
        const part = g.members.slice(k, k + most);
        if (taken && taken + part.length > most) { piles.push([]); taken = 0; }
        piles[piles.length - 1].push({ name: g.name, members: part });
        taken += part.length;
      }
    }
    for (const pile of piles) {
      y = 0;
      for (const g of pile) {
        const top = y, framed = g.name !== "";
        if (framed) y += size.cap;
        for (const u of g.members) { at.set(u, { x, y }); y += size.height + size.gap; }
        if (framed) { frames.push({ x: x - size.pad, y: top, width: size.width + 2 * size.pad, height: y - top, label: g.name, pile }); y += size.pad; }
        y += 3;
      }
      pile.height = y;
      pile.x = x;
      x += size.width + 2 * size.pad + 12;
      bottom = Math.max(bottom, y);
    }
    for (const pile of piles) pile.forEach(g => g.members.forEach(u => { u.pile = pile; }));
    x += size.column - 12;
  }
  for (const u of rest) at.get(u).y += (bottom - u.pile.height) / 2;
  for (const f of frames) f.y += (bottom - f.pile.height) / 2;
  if (quiet.length) at.set(quiet[0], { x: Math.max(0, x - size.column - size.width - 2 * size.pad), y: bottom + 14 });
  return { at, frames, width: Math.max(size.width, x - size.column), height: bottom + (quiet.length ? size.height + 20 : 0) };
}

// Rings: who was hit first stands in the middle, the later the further out.
function placeRings(list) {
  const onset = u => Math.min(...u.services.map(i => hit(i) ? services[i].w[0][0] : Infinity));
  const times = [...new Set(list.map(onset).filter(isFinite))].sort((a, b) => a - b);
  const rings = [];
  const step = 110;
  for (const u of list) {
    const k = isFinite(onset(u)) ? Math.min(5, Math.floor(6 * times.indexOf(onset(u)) / times.length)) : 6;
    (rings[k] ||= []).push(u);
  }
  const at = new Map();
  let radius = 0;
  const circles = [];
  rings.filter(Boolean).forEach((ring, k) => {
    ring.sort((a, b) => a.group < b.group ? -1 : a.group > b.group ? 1 : a.services[0] - b.services[0]);
    const need = ring.length * (size.width * .72) / (2 * Math.PI);
    radius = k === 0 && ring.length === 1 ? 0 : Math.max(radius + step, need);
    circles.push(radius);
    ring.forEach((u, n) => {
      const angle = 2 * Math.PI * n / ring.length - Math.PI / 2 + k * .35;
      at.set(u, { x: radius * 1.35 * Math.cos(angle) - size.width / 2, y: radius * Math.sin(angle) - size.height / 2 });
    });
  });
  const outer = radius + 60;
  for (const p of at.values()) { p.x += outer * 1.35 + 30; p.y += outer; }
  return { at, frames: [], circles: circles.map(r => ({ cx: outer * 1.35 + 30, cy: outer, rx: r * 1.35, ry: r })), width: outer * 2.7 + 60, height: outer * 2 };
}

// ---- The graph.
const svg = draw("svg", { id: "graph", role: "group", "aria-label": "Services and what they need; the colour is the state at the time shown" });
let boxes = [], ways = [], view = null, whole = null;

function drawGraph() {
  const list = units();
  const p = layout === "rings" ? placeRings(list) : place(list);
  const of = new Map();
  for (const u of list) for (const i of u.services) of.set(i, u);
  svg.replaceChildren();
  for (const c of p.circles || []) svg.append(draw("ellipse", { class: "islet ringline", cx: c.cx, cy: c.cy, rx: c.rx, ry: c.ry, fill: "none", stroke: "var(--grid)" }));
  for (const f of p.frames) {
    svg.append(draw("rect", { class: "islet", x: f.x, y: f.y, width: f.width, height: f.height, rx: 8 }),
      draw("text", { class: "cap", x: f.x + 8, y: f.y + 13 }, cut(f.label.split("/").join(" / "), 28)));
  }
  // Arrows, one for each pair of boxes: from what is lost to who feels it.
  const pairs = new Map();
  for (const [user, target] of links) {
    const a = of.get(target), b = of.get(user);
    if (!a || !b || a === b || a.key === quietKey || b.key === quietKey) continue;
    const key = a.key + "\u0001" + b.key;
    let way = pairs.get(key);
    if (!way) pairs.set(key, way = { a, b, main: false });
    if (services[user].by === target) way.main = true;
  }
  services.forEach((s, i) => { // a cause need not be a need: a lease, a shared lane
    if (s.by < 0) return;
    const a = of.get(s.by), b = of.get(i);
    if (a && b && a !== b && !pairs.has(a.key + "\u0001" + b.key)) pairs.set(a.key + "\u0001" + b.key, { a, b, main: true });
  });
  ways = [...pairs.values()].sort((x, y) => x.main - y.main);
  if (ways.length > 900) ways = ways.filter(w => w.main);
  for (const w of ways) {
    const a = p.at.get(w.a), b = p.at.get(w.b);
    const x1 = a.x + size.width, y1 = a.y + size.height / 2, x2 = b.x, y2 = b.y + size.height / 2;
    const side = layout === "columns" && Math.abs(a.x - b.x) < 1; // in one column: around it
    const bend = layout === "rings" ? 0 : Math.max(26, Math.min(90, Math.abs(x2 - x1) / 2));
    const d = layout === "rings"
      ? `M${x1 - size.width / 2} ${y1}L${x2 + size.width / 2} ${y2}`
      : side ? `M${x1} ${y1}C${x1 + 30} ${y1} ${x1 + 30} ${y2} ${x1} ${y2}`
      : `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
    w.e = draw("path", { class: "link" + (w.main ? " way" : ""), d });
    w.state = -1;
    svg.append(w.e);
  }
  boxes = list.map(u => {
    const at = p.at.get(u), i = u.services[0];
    const e = draw("g", { class: "box" + (u.services.some(s => services[s].root) ? " root" : ""), transform: `translate(${at.x} ${at.y})`, role: "button", tabindex: "0", "data-key": u.fold ? u.key.slice(1) : services[i].id });
    if (u.fold) e.append(draw("rect", { class: "sheet", x: 5, y: 5, width: size.width, height: size.height, rx: 6 }));
    const back = draw("rect", { class: "back", width: size.width, height: size.height, rx: 6 });
    const mark = draw("path", { class: "mark", d: `M8 0V${size.height}H6a6 6 0 0 1-6-6V6a6 6 0 0 1 6-6Z` });
    const name = draw("text", { class: "name", x: 15, y: 15.5 }, cut(u.fold ? u.label : services[i].title, 20));
    const word = document.createTextNode("");
    const title = draw("title");
    e.append(title, back, mark, name, draw("text", { class: "word", x: 15, y: 29 }, word), draw("rect", { class: "ring", x: -3, y: -3, width: size.width + 6, height: size.height + 6, rx: 8 }));
    // What is read out of it is made when somebody comes to it.
    const tell = () => {
      const label = (u.fold ? u.label : services[i].title) + ": " + word.data;
      title.textContent = label;
      e.setAttribute("aria-label", label);
    };
    e.setAttribute("aria-label", u.fold ? u.label : services[i].title);
    e.addEventListener("pointerenter", tell);
    e.addEventListener("focus", tell);
    const act = () => u.fold ? unfold(u) : choose(i);
    e.addEventListener("click", act);
    e.addEventListener("keydown", k => { if (k.key === "Enter" || k.key === " ") { k.preventDefault(); k.stopPropagation(); act(); } });
    svg.append(e);
    return { u, e, word, state: -1, said: "" };
  });
  const width = Math.max(p.width + 48, 860); // never larger than life
  whole = { x: (p.width - width) / 2, y: -14, width, height: p.height + 28 };
  svg.style.aspectRatio = `${whole.width} / ${whole.height}`;
  look(whole);
  svg.dataset.boxes = boxes.length;
  svg.classList.toggle("many", boxes.length > 150);
  svg.dataset.services = list.reduce((n, u) => n + u.services.length, 0);
  recolour();
  dim();
  key();
}
const cut = (text, most) => { const all = [...text]; return all.length > most ? all.slice(0, most - 1).join("") + "…" : text; };
function look(v) { view = { ...v }; svg.setAttribute("viewBox", `${v.x} ${v.y} ${v.width} ${v.height}`); }
function zoom(by, cx = view.x + view.width / 2, cy = view.y + view.height / 2) {
  look({ x: cx - (cx - view.x) * by, y: cy - (cy - view.y) * by, width: view.width * by, height: view.height * by });
}
function unfold(u) {
  if (u.key === quietKey) showQuiet = true;
  else if (u.key[0] === "l") foldLoops = false;
  else folded.delete(u.key.slice(1));
  drawGraph();
}

// recolour sets what has changed since the last frame.
function recolour() {
  for (const b of boxes) {
    let worst = 0, n = 0;
    for (const i of b.u.services) {
      const s = stateAt(i, time);
      if (s > worst) worst = s;
      if (s >= data.affected) n++;
    }
    const word = b.u.fold ? (n ? `${n} of ${b.u.services.length} affected` : `${b.u.services.length} services`) : states[worst];
    if (worst !== b.state) {
      b.e.dataset.state = states[worst]; // the style sheet knows its colours
      b.state = worst;
    }
    if (word !== b.said) {
      b.word.data = word;
      b.said = word;
    }
  }
  const of = new Map(boxes.map(b => [b.u, b.state]));
  for (const w of ways) {
    const hot = w.main && of.get(w.a) >= data.affected && of.get(w.b) >= data.affected ? of.get(w.b) : 0;
    if (hot === w.state) continue;
    w.state = hot;
    if (hot) w.e.dataset.state = states[hot]; else w.e.removeAttribute("data-state");
  }
}

// dim leaves what the chosen service stands on, or who stands on it.
function dim() {
  let keep = null;
  if (chosen >= 0 && focus !== "all") {
    keep = new Set([chosen]);
    const next = focus === "up" ? needs : users;
    for (const i of keep) for (const [j] of next[i]) keep.add(j);
  }
  const kept = u => !keep || u.services.some(i => keep.has(i));
  for (const b of boxes) {
    b.e.classList.toggle("dim", !kept(b.u));
    b.e.classList.toggle("chosen", b.u.services.includes(chosen));
  }
  for (const w of ways) {
    w.e.classList.toggle("dim", !(kept(w.a) && kept(w.b)));
    w.e.classList.toggle("near", chosen >= 0 && (w.a.services.includes(chosen) || w.b.services.includes(chosen)));
  }
}

// ---- The clock.
const slider = make("input", { type: "range", id: "time", min: 0, max: 1000, step: 1, value: 0, "aria-label": "Time", input: () => { stop(); at(slider.value / 1000 * data.length); } });
const now = make("output", { for: "time", id: "now" });
const play = make("button", { class: "play", id: "play", "aria-pressed": "false", click: () => playing ? stop() : go() }, "▶ Play");
const tally = make("ul", { class: "tally", id: "tally", "aria-label": "How many services are in which state" });
const beats = [...new Set([0, ...events.map(e => e.at), ...events.map(e => e.to), ...(events.length < 4 ? services.flatMap(s => s.w ? [s.w[0][0]] : []) : [])])].filter(t => t <= data.length).sort((a, b) => a - b);
const jump = by => {
  stop();
  const next = by > 0 ? beats.find(t => t > time + 1e-6) : beats.findLast(t => t < time - 1e-6);
  if (next !== undefined) at(next);
};
const jumps = make("ol", { class: "jumps", "aria-label": "Jump to what happened" });
const chips = events.slice().sort((a, b) => a.at - b.at).slice(0, 200).map(e => {
  const b = make("button", { class: e.kind, title: e.text, click: () => { stop(); at(e.at); } }, (data.kind === "blast" ? "" : tick(e.at) + " ") + e.text);
  jumps.append(make("li", {}, b));
  return { e, b };
});
const tallies = states.map((name, s) => {
  const count = make("b", {}, "0");
  const swatch = make("span", { class: "swatch" });
  swatch.style.background = `var(--s-${name})`;
  const li = make("li", { "data-state": name, hidden: true }, swatch, count, " " + name);
  tally.append(li);
  return { li, count, n: -1 };
});

let playing = 0, drawn = 0;
const lines = []; // what follows the clock besides the graph
function at(t) {
  time = Math.min(data.length, Math.max(0, t));
  slider.value = Math.round(time / data.length * 1000);
  const text = clockWords(time);
  now.textContent = text;
  slider.setAttribute("aria-valuetext", text);
  recolour();
  const counts = states.map(() => 0);
  for (let i = 0; i < services.length; i++) counts[stateAt(i, time)]++;
  counts.forEach((n, s) => {
    if (n === tallies[s].n) return;
    tallies[s].n = n;
    tallies[s].count.textContent = n;
    tallies[s].li.hidden = n === 0;
  });
  for (const c of chips) c.b.classList.toggle("past", c.e.at <= time);
  for (const line of lines) line();
  if (chosen >= 0) sayNow();
}
const length = 24000; // milliseconds of a whole run
function go() {
  if (time >= data.length) at(0);
  let last = performance.now();
  play.textContent = "❚❚ Pause";
  play.setAttribute("aria-pressed", "true");
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const frame = moment => {
    if (moment - last >= (calm ? 1000 : 0)) { // a step a second for those who want no motion
      at(time + (moment - last) / length * data.length);
      last = moment;
    }
    if (time >= data.length) return stop();
    playing = requestAnimationFrame(frame);
  };
  playing = requestAnimationFrame(frame);
}
function stop() {
  cancelAnimationFrame(playing);
  playing = 0;
  play.textContent = "▶ Play";
  play.setAttribute("aria-pressed", "false");
}

// ---- One service.
const detail = make("aside", { class: "detail", id: "detail", role: "region", "aria-label": "The chosen service", tabindex: "-1" });
let saysNow = null;
function sayNow() {
  const s = stateAt(chosen, time);
  saysNow.textContent = states[s];
  saysNow.style.background = `var(--s-${states[s]})`;
  saysNow.style.color = `var(--i-${states[s]})`;
}
function choose(i, reveal) {
  chosen = i;
  if (reveal) {
    const s = services[i];
    if (!hit(i) && !s.root && !showQuiet) showQuiet = true;
    folded.delete(s.group || "");
    drawGraph();
  }
  dim();
  describe();
  for (const lane of document.querySelectorAll(".lane[data-service]")) lane.classList.toggle("chosen", +lane.dataset.service === i);
  charts();
}
const nameButton = i => make("button", { click: () => choose(i, true) }, services[i].title);
const few = (items, most) => items.length > most ? [...items.slice(0, most), make("li", {}, `and ${items.length - most} more`)] : items;
function describe() {
  if (chosen < 0) {
    detail.replaceChildren(make("p", { class: "hint" }, "Choose a service in the graph, in the lanes or by searching: its states, what hit it, and what the catalog says of it."),
      make("p", { class: "hint" }, "Keys: space plays, [ and ] go from event to event, / searches, Escape lets go."));
    return;
  }
  const s = services[chosen];
  saysNow = make("span", { class: "now" });
  const part = (title, ...body) => body.length ? [make("h4", {}, title), ...body] : [];
  const windows = (s.w || []).map(w => make("li", {}, `${states[w[2]]} ${span(w[0])} – ${w[1] >= data.played ? "the end" : span(w[1])}`));
  const known = (s.known || []).map(w => make("li", {}, `${states[w[4]]} ${w[0] === w[1] ? span(w[0]) : span(w[0]) + "–" + span(w[1])} to ${w[2] === w[3] ? span(w[2]) : span(w[2]) + "–" + span(w[3])}`));
  const unique = all => [...new Set(all.map(([j]) => j))];
  const row = all => make("div", { class: "row" }, ...all.slice(0, 40).map(nameButton), all.length > 40 ? `and ${all.length - 40} more` : null);
  const facts = make("dl");
  for (const [name, value] of s.facts || []) facts.append(make("dt", {}, name), make("dd", {}, value));
  detail.replaceChildren(
    make("h3", {}, s.title), make("p", { class: "sub" }, [s.id, s.kind, s.group].filter(x => x && x !== s.title).join(" · ")), saysNow,
    ...part("What became of it", make("p", { class: "sub" }, s.story || "")),
    ...(s.because ? part("Because", make("ol", {}, ...s.because.map(b => make("li", {}, b)))) : []),
    ...(s.by >= 0 ? part("Passed on by", row([s.by])) : []),
    ...(windows.length ? part("States", make("ul", {}, ...few(windows, 12))) : []),
    ...(known.length ? part("Recorded in the incident", make("ul", {}, ...few(known, 12))) : []),
    ...(needs[chosen].length ? part("Needs", row(unique(needs[chosen]))) : []),
    ...(users[chosen].length ? part("Needed by", row(unique(users[chosen]))) : []),
    ...(s.facts ? part("The catalog says", facts) : []),
    ...(s.where ? part("Declared in " + s.where, ...(s.source ? [make("pre", {}, s.source)] : [])) : []));
  sayNow();
}

// ---- The tools above the graph.
const names = make("datalist", { id: "names" }, ...services.map(s => make("option", { value: s.title })));
const search = make("input", { type: "search", id: "search", list: "names", placeholder: "Find a service  ( / )", "aria-label": "Find a service" });
search.addEventListener("input", () => {
  const word = search.value.trim().toLowerCase();
  const match = i => word && (services[i].title + "\n" + services[i].id).toLowerCase().includes(word);
  for (const b of boxes) b.e.classList.toggle("found", b.u.services.some(match));
  const exact = services.findIndex(s => s.title.toLowerCase() === word || s.id.toLowerCase() === word);
  if (exact >= 0) choose(exact, true);
});
search.addEventListener("keydown", k => {
  if (k.key !== "Enter") return;
  const word = search.value.trim().toLowerCase();
  const first = services.findIndex(s => word && (s.title + "\n" + s.id).toLowerCase().includes(word));
  if (first >= 0) { choose(first, true); detail.focus({ preventScroll: true }); }
});
const press = (all, pick, name) => all.map(([value, label, title]) => {
  const b = make("button", { id: name + "-" + value, title, "aria-pressed": String(pick() === value), click: () => set(value) }, label);
  const set = v => { switchers[name](v); for (const [k, other] of all.entries()) document.getElementById(name + "-" + all[k][0]).setAttribute("aria-pressed", String(pick() === all[k][0])); };
  return b;
});
const switchers = {
  focus: v => { focus = v; dim(); },
  layout: v => { layout = v; drawGraph(); },
};
const legend = make("div", { class: "key" });
function key() {
  const shown = boxes.filter(b => b.u.fold);
  const inside = shown.reduce((n, b) => n + b.u.services.length, 0);
  const of = (n, one) => n + " " + one + (n === 1 ? "" : "s");
  legend.replaceChildren(of(services.length, "service") + ", " + of(links.length, "need") + ". ",
    inside ? `${inside} are folded into ${shown.length} ${shown.length === 1 ? "box" : "boxes"}; press one to open it. ` : "",
    layout === "rings" ? "Who was hit first stands in the middle." : "A failure goes from left to right; a bold line is the way it came.");
}
const fold = which => {
  folded.clear();
  foldLoops = which === "loops";
  if (which === "all") for (const g of groups) folded.add(g);
  showQuiet = which === "none" && services.length <= 400;
  drawGraph();
};
const graph = make("div", { class: "graph" },
  make("div", { class: "tools", role: "toolbar", "aria-label": "The graph" }, search, names,
    ...press([["all", "All", "every service"], ["up", "Needs", "what the chosen service stands on"], ["down", "Needed by", "who stands on the chosen service"]], () => focus, "focus"),
    make("button", { id: "fold", title: "one box for each group", click: () => fold("all") }, "Fold groups"),
    services.some(s => s.loop) ? make("button", { id: "loops", title: "one box for services that need each other in a circle", click: () => fold("loops") }, "Fold loops") : null,
    make("button", { id: "unfold", title: "a box for each service", click: () => fold("none") }, "Unfold"),
    ...press([["columns", "Columns", "a column for each step"], ["rings", "Rings", "time of impact as radius"]], () => layout, "layout"),
    make("button", { title: "closer", "aria-label": "Zoom in", click: () => zoom(.8) }, "+"),
    make("button", { title: "further away", "aria-label": "Zoom out", click: () => zoom(1.25) }, "−"),
    make("button", { title: "all of it", click: () => look(whole) }, "Fit")),
  svg, legend);
svg.addEventListener("wheel", w => {
  if (!w.ctrlKey && !w.metaKey) return; // the page scrolls
  w.preventDefault();
  const box = svg.getBoundingClientRect();
  zoom(w.deltaY > 0 ? 1.1 : 1 / 1.1, view.x + (w.clientX - box.left) / box.width * view.width, view.y + (w.clientY - box.top) / box.height * view.height);
}, { passive: false });
let drag = null;
svg.addEventListener("pointerdown", p => { if (!p.target.closest(".box")) drag = { x: p.clientX, y: p.clientY, view: { ...view } }; });
addEventListener("pointermove", p => {
  if (!drag) return;
  const scale = Math.max(view.width / svg.clientWidth, view.height / svg.clientHeight);
  look({ ...drag.view, x: drag.view.x - (p.clientX - drag.x) * scale, y: drag.view.y - (p.clientY - drag.y) * scale });
});
addEventListener("pointerup", () => { drag = null; });

app.append(make("section", { id: "story", "aria-labelledby": "h-story" }, make("h2", { id: "h-story" }, "Over time"),
  make("div", { class: "clock", role: "group", "aria-label": "The clock" },
    make("button", { id: "back", title: "event before ( [ )", click: () => jump(-1) }, "‹ Before"), play,
    make("button", { id: "next", title: "next event ( ] )", click: () => jump(1) }, "Next ›"), slider, now),
  tally, jumps, make("div", { class: "split" }, graph, detail)));
app.hidden = false;

// ---- The lanes follow the clock, and set it.
const lanes = document.querySelector("#lanes svg");
if (lanes && data.frame) {
  const f = data.frame;
  const line = draw("line", { class: "now-line", y1: f.top - 4, y2: f.bottom + 6 });
  lanes.append(line);
  lines.push(() => {
    const x = f.left + (f.right - f.left) * Math.min(1, time / f.length);
    line.setAttribute("x1", x);
    line.setAttribute("x2", x);
  });
  lanes.addEventListener("click", c => {
    const lane = c.target.closest("[data-service]");
    if (lane) choose(+lane.dataset.service, true);
    const m = lanes.getScreenCTM();
    const x = (c.clientX - m.e) / m.a;
    if (x >= f.left && x <= f.right) { stop(); at((x - f.left) / (f.right - f.left) * f.length); }
  });
  for (const lane of lanes.querySelectorAll(".lane[data-service]")) {
    lane.setAttribute("role", "button");
    lane.setAttribute("tabindex", "0");
    lane.setAttribute("aria-label", lane.querySelector("title").textContent);
    lane.addEventListener("keydown", k => { if (k.key === "Enter") choose(+lane.dataset.service, true); });
  }
  lanes.setAttribute("role", "group");
}

// ---- Charts of the chosen service: uPlot, one cursor over all of them.
const holder = document.getElementById("charts");
const colour = name => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
let plots = [];
const number = v => v === null || v === undefined ? "–" : Math.abs(v) >= 1e4 ? (v / 1000).toPrecision(3) + "k" : String(+v.toPrecision(3));
function charts() {
  for (const p of plots) p.destroy();
  plots = [];
  lines.length = lanes && data.frame ? 1 : 0;
  let i = chosen;
  if (i < 0) i = services.findIndex(s => s.root && s.series);
  if (i < 0) i = services.findIndex(s => s.series);
  const s = services[i];
  if (!s || !s.series || !data.grid) { holder.hidden = true; return; }
  const grid = data.grid, rows = grid.length - 1;
  const x = grid.slice(0, rows).concat(grid[rows]);
  const column = c => { // level from border to border
    const all = c.length === 1 ? Array(rows).fill(c[0]) : c.slice();
    return all.concat(all[all.length - 1]);
  };
  const has = name => s.series[name];
  const get = name => column(has(name) || [0]);
  const wanted = [];
  if (has("offered") || has("good")) wanted.push(["Demand and goodput", [["demand", get("offered"), "text"], ["goodput", get("good"), "good-line", true], ...(has("capacity") ? [["capacity", get("capacity"), "soft", false, [3, 4]]] : [])], "per second"]);
  if (has("attempts") && has("offered")) {
    const offered = get("offered");
    wanted.push(["Attempts and amplification", [["attempts /s", get("attempts"), "bad-line"], ["attempts a request", get("attempts").map((a, k) => offered[k] > 0 ? a / offered[k] : null), "load-line", false, [5, 3], "right"]], ""]);
  }
  if (has("queue")) wanted.push(["Queue and its age", [["waiting", get("queue"), "age-line", true], ["age of the oldest (s)", get("age"), "bad-line", false, [], "right"]], ""]);
  for (const l of data.leases || []) if (l.keeper === i || l.holder === i) wanted.push(["Leases held: " + l.id, [["held", column(l.held), "good-line", true]], ""]);
  if (has("rotation")) wanted.push(["Instances in rotation", [["in rotation", get("rotation"), "good-line", true]], ""]);
  const head = make("h2", { id: "h-charts" }, "Charts of " + s.title);
  const list = make("div", { class: "charts" });
  holder.replaceChildren(head, list);
  holder.hidden = wanted.length === 0;
  for (const [title, all] of wanted) {
    const room = make("div", { class: "chart", role: "img", "aria-label": title + " of " + s.title + ", over time" }, make("h3", {}, title));
    list.append(room);
    const right = all.some(a => a[5]);
    const axis = { stroke: colour("soft"), grid: { stroke: colour("grid"), width: 1 }, ticks: { stroke: colour("grid"), width: 1 }, font: "11px sans-serif" };
    const plot = new uPlot({
      width: Math.max(280, room.clientWidth - 24), height: 190,
      scales: { x: { time: false, range: [0, data.length] }, y: { range: (u, low, high) => [0, high > 0 ? high * 1.06 : 1] }, right: { range: (u, low, high) => [0, high > 0 ? high * 1.06 : 1] } },
      axes: [
        { ...axis, values: (u, marks) => marks.map(tick), space: 70, incrs: [.01, .1, 1, 5, 10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800] },
        { ...axis, size: 54, values: (u, marks) => marks.map(number) },
        ...(right ? [{ ...axis, side: 1, scale: "right", size: 48, grid: { show: false }, values: (u, marks) => marks.map(number) }] : []),
      ],
      series: [{ label: "time", value: (u, v) => v === null ? "–" : clockWords(v) }, ...all.map(([label, , hue, area, dash, scale]) => ({
        label, stroke: colour(hue), width: 1.6, dash, scale: scale || "y", fill: area ? colour(hue) + "33" : undefined, points: { show: false },
        paths: uPlot.paths.stepped({ align: 1 }), value: (u, v) => number(v),
      }))],
      cursor: { sync: { key: "knockon" }, drag: { x: true, y: false } },
    }, [x, ...all.map(a => a[1])], room);
    const bar = make("div");
    Object.assign(bar.style, { position: "absolute", top: "0", bottom: "0", width: "2px", background: colour("text"), opacity: ".7", pointerEvents: "none" });
    plot.over.append(bar);
    plot.over.addEventListener("click", () => { if (plot.cursor.left >= 0) { stop(); at(plot.posToVal(plot.cursor.left, "x")); } });
    lines.push(() => {
      const at = plot.valToPos(time, "x");
      bar.style.transform = `translateX(${at}px)`;
      bar.hidden = at < 0 || at > plot.over.clientWidth;
    });
    plots.push(plot);
  }
  requestAnimationFrame(() => { for (const line of lines) line(); }); // when uPlot has measured itself
}
addEventListener("resize", () => { for (const p of plots) p.setSize({ width: Math.max(280, p.root.parentElement.clientWidth - 24), height: 190 }); requestAnimationFrame(() => { for (const line of lines) line(); }); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => charts());

// ---- Tabs: without this script they stand one below the other.
const sections = [...document.querySelectorAll("#tabs > .tab")];
if (sections.length > 1) {
  const bar = make("div", { class: "tabs", role: "tablist", "aria-label": "Tables" });
  const buttons = sections.map((section, k) => {
    const id = "tab-of-" + section.id;
    section.setAttribute("role", "tabpanel");
    section.setAttribute("aria-labelledby", id);
    return make("button", { id, role: "tab", "aria-controls": section.id, click: () => show(k) }, section.querySelector("h2").textContent);
  });
  const show = k => sections.forEach((section, n) => {
    section.hidden = n !== k;
    buttons[n].setAttribute("aria-selected", String(n === k));
    buttons[n].tabIndex = n === k ? 0 : -1;
  });
  bar.addEventListener("keydown", e => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
    if (!by) return;
    const k = (buttons.indexOf(document.activeElement) + by + buttons.length) % buttons.length;
    show(k);
    buttons[k].focus();
  });
  bar.append(...buttons);
  sections[0].before(bar);
  show(0);
  document.querySelector(".skip").addEventListener("click", () => show(0));
}

// ---- Keys.
addEventListener("keydown", k => {
  const typing = k.target.closest && k.target.closest("input[type=search], select, textarea");
  if (k.ctrlKey || k.metaKey || k.altKey) return;
  if (k.key === "Escape") { chosen = -1; focus = "all"; search.value = ""; for (const v of ["all", "up", "down"]) document.getElementById("focus-" + v).setAttribute("aria-pressed", String(v === "all")); dim(); describe(); return; }
  if (typing) return;
  if (k.key === " " && !k.target.closest("button, a, [role=button]")) { k.preventDefault(); playing ? stop() : go(); }
  else if (k.key === "[") jump(-1);
  else if (k.key === "]") jump(1);
  else if (k.key === "/") { k.preventDefault(); search.focus(); }
});

// Begin where most is affected.
drawGraph();
describe();
charts();
let peak = 0, most = -1;
const moments = [...new Set(services.flatMap(s => (s.w || []).map(w => w[0])))].sort((a, b) => a - b);
for (let k = 0; k < moments.length; k += Math.max(1, Math.floor(moments.length / 400))) {
  let n = 0;
  for (let i = 0; i < services.length; i++) if (stateAt(i, moments[k]) >= data.affected) n += services[i].weight;
  if (n > most) { most = n; peak = moments[k]; }
}
// A link can say when and whom: #t=3600&s=dynamodb
const link = new URLSearchParams(location.hash.slice(1));
const named = services.findIndex(s => s.id === link.get("s"));
if (named >= 0) choose(named, true);
at(link.has("t") && isFinite(+link.get("t")) ? +link.get("t") : peak);

// A page that is served asks whether it has become old, and loads itself again where it
// was.
if (document.documentElement.dataset.live) {
  let version = "";
  const ask = async () => {
    try {
      const answer = await fetch("/version?of=" + encodeURIComponent(version), { cache: "no-store" });
      const now = await answer.text();
      if (answer.ok && version && now !== version) {
        location.hash = new URLSearchParams({ t: time.toFixed(1), ...(chosen >= 0 ? { s: services[chosen].id } : {}) }).toString();
        location.reload();
        return;
      }
      if (answer.ok) version = now;
    } catch { // it has gone, and may come back
      await new Promise(done => setTimeout(done, 2000));
    }
    setTimeout(ask, 200);
  };
  ask();
}
})();
