// The page around the phone: the steps that tick themselves off, the trace, what breaks, the desk and the console.
"use strict";
const language = document.documentElement.lang.startsWith("zh") ? "zh" : "en";
let traced = "", busy = false, link = 0, linked = -1, wasAway = false;

function drawSteps(steps) {
  const now = steps.done.indexOf(false);
  steps.done.forEach((done, place) => {
    const item = find("step" + (place + 1));
    if (done && !item.classList.contains("ticked")) { item.querySelector(".number").textContent = "✓"; item.querySelector(".done-word").textContent = texts.done; }
    item.classList.toggle("ticked", done); item.classList.toggle("now", place === now);
  });
  find("step3").querySelector(".waits").hidden = !(steps.waits && !steps.done[2]);
}

function drawTrace(trace) {
  const all = JSON.stringify(trace);
  if (all === traced || !trace.length) return;
  traced = all;
  find("way").replaceChildren(...trace.map(step => {
    const item = make("li", "", step.mark);
    item.append(make("b", step.what), make("small", step.times || step.when.slice(11, 23)));
    return item;
  }));
}

const SAID = {
  desk: facts => facts.on ? texts.desk_is : facts.was ? texts.desk_was : "",
  kill: facts => facts.on ? texts.kill_is : facts.was ? texts.kill_was : "",
  twice: facts => facts.was ? texts.twice_was : "",
  later: facts => facts.was ? texts.later_was : "",
  spend: facts => facts.was ? texts.spend_was : "",
};
const LABELS = { desk: ["desk_down", "desk_up"], kill: ["kill", "start"] };

function drawBroken(broken) {
  for (const [verb, facts] of Object.entries(broken)) {
    const box = find("break-" + verb), now = box.querySelector(".now");
    const text = box.dataset.said || fill(SAID[verb](facts), facts);
    if (now.textContent !== text) now.textContent = text;
    box.classList.toggle("on", Boolean(facts.on));
    if (LABELS[verb]) box.querySelector("button").textContent = texts[LABELS[verb][facts.on ? 1 : 0]];
  }
  const away = broken.kill.on || broken.desk.on;
  if (away !== wasAway) { wasAway = away; reload(); }
}

// the desk and the console sign in anew: what was killed, or long ago, knows their session no more
function reload() {
  find("desk").src = "/demo/desk";
  linked = -1;
  follow();
}

function follow() {
  if (!find("pane-console").hidden && linked !== link) { linked = link; find("console").src = "/demo/console"; }
}

async function look() {
  if (!busy) {
    busy = true;
    try {
      const state = await (await fetch("/demo/state?lang=" + language)).json();
      link = state.link;
      phone.draw(state.bubbles); drawSteps(state.steps); drawTrace(state.trace); drawBroken(state.broken); follow();
    } catch { /* the page's own server is away for a moment */ }
    busy = false;
  }
  setTimeout(look, document.hidden ? 2000 : 400);
}

for (const tabs of document.querySelectorAll(".tabs")) {
  const all = [...tabs.querySelectorAll("[role=tab]")];
  const choose = tab => {
    for (const one of all) {
      const on = one === tab;
      one.setAttribute("aria-selected", String(on)); one.tabIndex = on ? 0 : -1;
      find(one.getAttribute("aria-controls")).hidden = !on;
    }
    follow();
  };
  tabs.addEventListener("click", event => { const tab = event.target.closest("[role=tab]"); if (tab) choose(tab); });
  tabs.addEventListener("keydown", event => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step) { const next = all[(all.indexOf(document.activeElement) + step + all.length) % all.length]; choose(next); next.focus(); }
  });
  choose(all[0]);
}

for (const button of document.querySelectorAll("[data-break]")) {
  button.addEventListener("click", async () => {
    const verb = button.dataset.break, box = find("break-" + verb);
    button.disabled = true;
    if (verb === "twice") phone.open(true);
    try {
      const answer = await fetch(`/demo/break/${verb}?lang=${language}`, { method: "POST" });
      box.dataset.said = answer.ok ? (await answer.json()).text : "";
      if (verb === "later") reload();
    } catch { box.dataset.said = ""; }
    button.disabled = false;
  });
}
look();
