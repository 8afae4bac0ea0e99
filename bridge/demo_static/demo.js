"use strict";
const find = id => document.getElementById(id);
const make = (tag, text, kind) => { const node = document.createElement(tag); if (text) node.textContent = text; if (kind) node.className = kind; return node; };
let shown = 0, wayShown = "", busy = false;

function bubble(entry) {
  const item = make("div", "", entry.who);
  if (entry.file) {
    const image = make("img"); image.src = entry.file; image.alt = entry.who === "customer" ? "picture sent" : "picture received";
    item.classList.add("picture"); item.append(image);
  } else if (entry.kind === "card" || entry.kind === "miniprogrampage" || entry.kind === "link") {
    const card = make("div", "", "card"); card.append(make("b", entry.text), make("small", entry.detail || "card")); item.append(card);
  } else item.textContent = entry.text;
  return item;
}

function draw(state) {
  const list = find("bubbles");
  for (const entry of state.bubbles.slice(shown)) list.append(bubble(entry));
  if (state.bubbles.length > shown) list.scrollTop = list.scrollHeight;
  shown = state.bubbles.length;
  const way = JSON.stringify(state.way);
  if (way === wayShown || !state.way.length) return;
  wayShown = way;
  find("way").replaceChildren(...state.way.map(step => {
    const item = make("li", "", step.mark);
    item.append(make("b", step.what), make("small", step.when));
    return item;
  }));
}

async function look() {
  if (!busy) {
    busy = true;
    try { draw(await (await fetch("/demo/state")).json()); } catch { /* the bridge is away for a moment */ }
    busy = false;
  }
  setTimeout(look, document.hidden ? 2000 : 400);
}

const act = (verb, body, type) => fetch("/demo/phone/" + verb, { method: "POST", body, headers: type ? { "content-type": type } : {} });

find("contact").addEventListener("click", () => {
  find("product").hidden = true; find("chat").hidden = false; find("back").hidden = false;
  find("title").textContent = "Corner Shop 客服";
  act("enter"); find("text").focus();
});
find("back").addEventListener("click", () => {
  find("product").hidden = false; find("chat").hidden = true; find("back").hidden = true;
  find("title").textContent = "Corner Shop";
});
find("say").addEventListener("submit", event => {
  event.preventDefault();
  const text = find("text").value.trim();
  if (text) { find("text").value = ""; act("text", text, "text/plain"); }
});
find("text").addEventListener("keydown", event => { if (event.key === "Enter" && (event.isComposing || event.keyCode === 229)) event.stopPropagation(); });
find("card").addEventListener("click", () => act("card"));
find("picture").addEventListener("click", () => find("file").click());
find("file").addEventListener("change", () => { const [file] = find("file").files; if (file) act("picture", file, file.type); find("file").value = ""; });
look();
