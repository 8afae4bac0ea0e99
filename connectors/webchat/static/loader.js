// The launcher; the chat itself runs in a frame of the bridge, out of the page's reach. Tabs share what is kept: what
// another one has not sent yet stays.
(() => {
  const V = __VALUES__;
  const D = document, W = window, early = W.bridgeChat;
  if (early?.open) return;
  const script = D.currentScript || D.querySelector(`script[src*="/chat/${V.account}/loader.js"]`);
  const base = script.src.split('loader.js')[0], home = new URL(base).origin, key = `bridge.chat.${V.account}`;
  const lang = (script.dataset.lang || 'auto') === 'auto' ? D.documentElement.lang || navigator.language : script.dataset.lang;
  const zh = /^zh/i.test(lang), small = matchMedia('(max-width:480px)');
  const label = (n) => zh ? `聊天${n ? `，${n} 条未读` : ''}` : `Chat${n ? `, ${n} unread` : ''}`;
  const listeners = {};
  let kept = {}, frame, ready, opened = false, claim, host, button, badge, queue = [], frozen = [], ok = true;

  const stored = () => JSON.parse(localStorage[key] || '{}');
  const load = () => { try { kept = stored(); } catch { ok = false; } };
  const save = (own) => {
    try {
      const { box = [], token = kept.token } = stored();
      if (token === kept.token) kept.box?.unshift(...box.filter(({ id }) => !own.includes(id)));
      localStorage[key] = JSON.stringify(kept);
    } catch { ok = false; }
  };
  const emit = (name, detail) => {
    listeners[name]?.forEach((listener) => listener(detail));
    W.dispatchEvent(new CustomEvent(`bridge-chat:${name}`, { detail }));
  };
  const post = (message) => {
    if (ready) frame.contentWindow.postMessage({ bridgeChat: 1, ...message }, home);
    else queue.push(message);
  };
  const identity = async () => { try { return typeof claim === 'function' ? await claim() : claim; } catch { return null; } };

  const draw = () => {
    host = D.createElement('div');
    const root = host.attachShadow({ mode: 'closed' }), sheet = new CSSStyleSheet();
    sheet.replaceSync(`:host{all:initial}button{all:initial;position:fixed;inset-block-end:20px;inset-inline-end:20px;
z-index:2147483647;width:56px;height:56px;border-radius:50%;cursor:pointer;background:${V.colour};box-shadow:0 6px 20px #0004;
display:grid;place-items:center}button:hover{filter:brightness(1.1)}
button:focus-visible{outline:3px solid ${V.colour};outline-offset:3px}svg{width:26px;height:26px;fill:${V.ink}}
b{position:absolute;top:-3px;inset-inline-end:-3px;min-width:20px;height:20px;border-radius:10px;background:#d1242f;color:#fff;
font:600 12px/20px system-ui;text-align:center}b:empty{display:none}
iframe{position:fixed;inset-block-end:88px;inset-inline-end:20px;z-index:2147483647;width:392px;
height:min(660px,calc(100dvh - 108px));border:0;border-radius:16px;box-shadow:0 12px 48px #0005;background:Canvas;color-scheme:auto}
iframe[hidden]{display:none}@media(max-width:480px){iframe{inset:0;width:100%;height:100dvh;border-radius:0}}
@media print{:host{display:none}}`);
    root.adoptedStyleSheets = [sheet];
    button = D.createElement('button');
    button.setAttribute('aria-expanded', 'false');
    const svg = D.createElementNS('http://www.w3.org/2000/svg', 'svg'), path = D.createElementNS(svg.namespaceURI, 'path');
    svg.setAttribute('viewBox', '0 0 24 24');
    path.setAttribute('d', 'M4 3h16a2 2 0 0 1 2 2v11a2 2 0 0 1-2 2h-7l-5 4v-4H4a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2z');
    svg.append(path);
    badge = D.createElement('b');
    button.append(svg, badge);
    button.onclick = () => api.toggle();
    root.append(button);
    D.body.append(host);
    unread(0);
    frame = D.createElement('iframe');
    frame.title = label();
    frame.hidden = true;
    frame.onload = async () => {
      ready = true;
      load();
      const page = { url: location.href, title: D.title, ref: D.referrer };
      frame.contentWindow.postMessage({ bridgeChat: 1, type: 'hello', kept, lang, page, storable: ok, identity: await identity() }, home);
      queue.splice(0).forEach(post);
    };
    draw.load = () => { if (!frame.src) { frame.src = `${base}frame`; root.append(frame); } };
  };
  const unread = (n) => {
    badge.textContent = n ? (n > 9 ? '9+' : n) : '';
    button.setAttribute('aria-label', label(n));
    emit('unread', n);
  };
  // on a phone the chat covers the page: nothing behind it may scroll or take the focus
  const freeze = (on) => {
    frozen.forEach((element) => { element.inert = false; });
    frozen = on ? [...D.body.children].filter((element) => element !== host && !element.inert) : [];
    frozen.forEach((element) => { element.inert = true; });
    D.documentElement.style.overflow = on ? 'hidden' : '';
  };
  const show = (on) => {
    if (on === opened) return;
    opened = on;
    draw.load();
    frame.hidden = !on;
    button.setAttribute('aria-expanded', on);
    freeze(on && small.matches);
    post({ type: on ? 'open' : 'close', modal: small.matches });
    if (on) frame.focus(); else button.focus();
    emit(on ? 'open' : 'close');
  };
  const api = {
    open: () => show(true), close: () => show(false), toggle: () => show(!opened),
    identify: async (who) => { claim = who; if (ready) post({ type: 'identity', identity: await identity() }); },
    reset: () => { kept = {}; save(); claim = null; post({ type: 'reset' }); unread(0); },
    on: (name, listener) => { (listeners[name] ||= []).push(listener); },
  };
  W.addEventListener('message', async ({ origin, source, data }) => {
    if (origin !== home || !frame || source !== frame.contentWindow || data?.bridgeChat !== 1) return;
    if (data.type === 'save') { kept = data.kept; save(data.own); }
    if (data.type === 'close') show(false);
    if (data.type === 'unread') unread(data.count);
    if (data.type === 'message') emit('message', data.message);
    if (data.type === 'identify') post({ type: 'identity', identity: await identity() });
  });
  const start = () => {
    load();
    draw();
    W.bridgeChat = api;
    early?.forEach?.(([name, ...rest]) => api[name]?.(...rest));
    emit('ready');
    if (kept.token) {
      fetch(`${base}v1/badge`, { headers: { 'x-visitor': kept.token } }).then((answer) => answer.ok && answer.json())
        .then((found) => { if (found?.unread) { unread(found.unread); draw.load(); } }).catch(() => {});
    }
  };
  // a page may never be idle
  const idle = () => (W.requestIdleCallback || setTimeout)(start, { timeout: 2000 });
  if (D.readyState === 'complete') idle(); else W.addEventListener('load', idle);
})();
