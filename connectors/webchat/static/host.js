// The page around the chat: what it may say, and where what must survive is kept.
export const config = JSON.parse(document.body.dataset.config);
export const framed = !config.page;
let host = '';
const claims = [], owned = new Set();

function allowed(origin) {
  if (origin === location.origin) return true;
  return config.origins.some((entry) => {
    const [scheme, name] = entry.split('://'), [given, at] = origin.split('://');
    return scheme === given && (name === at || (name.startsWith('*.') && at.endsWith(name.slice(1))));
  });
}

export const post = (message) => { if (framed && host) parent.postMessage({ bridgeChat: 1, ...message }, host); };
export const askIdentity = () => (framed ? new Promise((resolve) => { claims.push(resolve); post({ type: 'identify' }); setTimeout(resolve, 5000); }) : null);

export function listen({ start, open, close, identity, reset }) {
  addEventListener('message', ({ source, origin, data }) => {
    if (!framed || source !== parent || data?.bridgeChat !== 1 || !allowed(origin)) return;
    if (data.type === 'hello' && !host) {
      host = origin;
      start({ kept: data.kept || {}, lang: data.lang, page: data.page, identity: data.identity, storable: data.storable });
    } else if (origin !== host) return;
    else if (data.type === 'open') open(data);
    else if (data.type === 'close') close();
    else if (data.type === 'identity') { if (claims.length) claims.splice(0).forEach((resolve) => resolve(data.identity)); else identity(data.identity); }
    else if (data.type === 'reset') reset();
  });
}

export function load() {
  try { return [JSON.parse(localStorage.getItem(`bridge.chat.${config.account}`)) || {}, true]; } catch { return [{}, false]; }
}

export function save(value) {  // several tabs share one place: what another one has not sent yet stays
  for (const one of value.box || []) owned.add(one.id);
  if (framed) return post({ type: 'save', kept: value, own: [...owned] });
  const [{ box = [], token = value.token }] = load();
  const others = token === value.token ? box.filter((one) => !owned.has(one.id)) : [];
  try { localStorage.setItem(`bridge.chat.${config.account}`, JSON.stringify({ ...value, box: [...others, ...(value.box || [])] })); } catch { /* kept in memory */ }
}
