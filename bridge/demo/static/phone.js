// The customer's phone: what the chat shows, and what its user can do.
"use strict";
const texts = JSON.parse(document.getElementById("texts").textContent);
const find = id => document.getElementById(id);
const make = (tag, text, kind) => { const node = document.createElement(tag); if (text) node.textContent = text; if (kind) node.className = kind; return node; };
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);

const phone = (() => {
  const APART = 5 * 60e3; // two messages further apart than this have the time between them
  const lang = document.documentElement.lang, part = options => new Intl.DateTimeFormat(lang, options);
  const hours = part({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" }), weekday = part({ weekday: "long" });
  const day = part({ month: "short", day: "numeric" }), date = part({ year: "numeric", month: "short", day: "numeric" });
  const yesterday = new Intl.RelativeTimeFormat(lang, { numeric: "auto" }).format(-1, "day");
  let shown = 0, last = 0;

  // as WeChat does: today's hour, yesterday, the weekday of the last seven days, then the date
  function time(at, now = new Date()) {
    const then = new Date(at), midnight = new Date(now); midnight.setHours(0, 0, 0, 0);
    const ago = Math.ceil((midnight - then) / 864e5);
    if (ago <= 0) return hours.format(then);
    const name = ago === 1 ? yesterday[0].toUpperCase() + yesterday.slice(1) : ago < 7 ? weekday.format(then)
      : (then.getFullYear() === midnight.getFullYear() ? day : date).format(then);
    return `${name} ${hours.format(then)}`;
  }

  function said(entry) {
    const box = make("div", "", "said");
    if (entry.file) {
      const image = make("img"); image.src = entry.file;
      image.alt = entry.who === "customer" ? texts.picture_sent : texts.picture_received;
      box.classList.add("picture"); box.append(image);
    } else if (["card", "miniprogrampage", "link"].includes(entry.kind)) {
      box.classList.add("card"); box.append(make("b", entry.text), make("i"), make("small", entry.detail));
    } else box.textContent = entry.text;
    return box;
  }

  function add(list, entry) {
    const at = entry.at ? Date.parse(entry.at) : 0;
    if (at && at - last > APART) list.append(make("div", time(at), "at"));
    if (at) last = at;
    if (entry.who === "platform") { list.append(make("div", entry.text, "platform fault")); return; }
    const row = make("div", "", "row " + entry.who);
    const face = make("span", entry.who === "customer" ? "我" : texts.shop.slice(0, 1), "face");
    face.setAttribute("aria-hidden", "true");
    row.append(face, said(entry)); list.append(row);
    if (entry.generated) list.append(make("div", texts.generated, "generated"));
  }

  function draw(bubbles) {
    const list = find("bubbles");
    for (const entry of bubbles.slice(shown)) add(list, entry);
    if (bubbles.length > shown) list.scrollTop = list.scrollHeight;
    shown = bubbles.length;
  }

  const act = (verb, body, type) => fetch("/demo/phone/" + verb, { method: "POST", body, headers: type ? { "content-type": type } : {} });
  function open(chat) {
    find("product").hidden = chat; find("chat").hidden = !chat; find("back").hidden = !chat;
    find("title").textContent = chat ? texts.service : texts.shop;
    if (chat) find("text").focus();
  }

  find("contact").addEventListener("click", () => { open(true); act("enter"); });
  find("back").addEventListener("click", () => open(false));
  find("say").addEventListener("submit", event => {
    event.preventDefault();
    const text = find("text").value.trim();
    if (text) { find("text").value = ""; act("text", text, "text/plain"); }
  });
  find("text").addEventListener("keydown", event => { if (event.key === "Enter" && (event.isComposing || event.keyCode === 229)) event.stopPropagation(); });
  find("card").addEventListener("click", () => act("card", texts.mug, "text/plain"));
  find("picture").addEventListener("click", () => find("file").click());
  find("file").addEventListener("change", () => { const [file] = find("file").files; if (file) act("picture", file, file.type); find("file").value = ""; });
  return { draw, open, time };
})();
