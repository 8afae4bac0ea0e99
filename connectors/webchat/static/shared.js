// What the chat and the desk have in common. Nothing here ever parses markup: people's words become text nodes.

export const $ = (selector, root = document) => root.querySelector(selector);

// el('p.note', {title: 'x', onclick}, child, 'text', …)
export function el(what, props = {}, ...children) {
  const [tag, ...classes] = what.split('.');
  const element = document.createElement(tag || 'div');
  if (classes.length) element.className = classes.join(' ');
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name in element && name !== 'list') element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...some(children));
  return element;
}

const some = (children) => children.flat(2).filter((child) => child !== null && child !== undefined && child !== false && child !== '');
export const fill = (element, ...children) => element.replaceChildren(...some(children));

export function icon(path, box = 24) {
  const space = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(space, 'svg');
  svg.setAttribute('viewBox', `0 0 ${box} ${box}`);
  svg.setAttribute('aria-hidden', 'true');
  const line = document.createElementNS(space, 'path');
  line.setAttribute('d', path);
  svg.append(line);
  return svg;
}

export const FILE = 'M6 3h8l5 5v13H6zM14 3v5h5';

// Text with links that can be followed. Only addresses of the web; everything else stays text.
export function linked(text) {
  const parts = [];
  let at = 0;
  for (const found of text.matchAll(/https?:\/\/[^\s<>"'，。；！？、）】》]+/gi)) {
    const address = found[0].replace(/[.,;:!?)\]]+$/, '');
    parts.push(text.slice(at, found.index));
    parts.push(el('a', { href: address, target: '_blank', rel: 'noopener noreferrer nofollow ugc' }, address));
    at = found.index + address.length;
  }
  parts.push(text.slice(at));
  return parts.filter((part) => part !== '');
}

// Whether a key press means "send". While an input method composes, Enter chooses a word; some browsers report that
// Enter only after the composition ended.
export function sender(field, send, wants = (event) => !event.shiftKey) {
  let ended = 0;
  field.addEventListener('compositionend', () => { ended = performance.now(); });
  field.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.isComposing || event.keyCode === 229 || performance.now() - ended < 50) return;
    if (!wants(event)) return;
    event.preventDefault();
    send();
  });
}

export function size(bytes) {
  const units = ['B', 'kB', 'MB'];
  let step = 0;
  while (bytes >= 1024 && step < 2) { bytes /= 1024; step += 1; }
  return `${bytes < 10 && step ? bytes.toFixed(1) : Math.round(bytes)} ${units[step]}`;
}

export const newId = () => [...crypto.getRandomValues(new Uint8Array(13))].map((byte) => byte.toString(16).padStart(2, '0')).join('');

export function clock(lang) {
  const time = new Intl.DateTimeFormat(lang, { hour: '2-digit', minute: '2-digit' });
  const day = new Intl.DateTimeFormat(lang, { weekday: 'short', month: 'short', day: 'numeric' });
  const key = (date) => `${date.getFullYear()}-${date.getMonth()}-${date.getDate()}`;
  return {
    key,
    time: (date) => time.format(date),
    day(date, words) {
      const now = new Date(), before = new Date(now - 864e5);
      if (key(date) === key(now)) return words.today;
      return key(date) === key(before) ? words.yesterday : day.format(date);
    },
  };
}

// Reads text/event-stream from a fetch, so that headers carry the key and status codes are seen.
export async function readEvents(response, touch, take) {
  const reader = response.body.getReader(), decoder = new TextDecoder();
  let rest = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    touch();
    rest += decoder.decode(value, { stream: true });
    const frames = rest.split('\n\n');
    rest = frames.pop();
    for (const frame of frames) {
      const event = { id: '', event: 'message', data: '' };
      for (const line of frame.split('\n')) {
        const colon = line.indexOf(': ');
        if (colon > 0) event[line.slice(0, colon)] = line.slice(colon + 2);
      }
      if (event.data) take(event.event, JSON.parse(event.data), event.id);
    }
  }
}

// One file up, with progress. Rejects with {code, message}.
export function upload(url, file, headers, progress) {
  const request = new XMLHttpRequest();
  const done = new Promise((resolve, reject) => {
    request.open('POST', url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.setRequestHeader('x-name', encodeURIComponent(file.name || 'file'));
    request.upload.onprogress = (event) => event.lengthComputable && progress(event.loaded / event.total);
    request.onload = () => {
      let answer = {};
      try { answer = JSON.parse(request.responseText); } catch { /* a proxy's own page */ }
      if (request.status < 300) resolve(answer); else reject(answer.error || { code: request.status === 413 ? 'too_large' : 'failed' });
    };
    request.onerror = () => reject({ code: 'offline' });
    request.onabort = () => reject({ code: 'cancelled' });
  });
  request.send(file);
  return { done, cancel: () => request.abort() };
}

// A large photograph as a smaller one: faster on phones, and without what the camera wrote into it.
export async function shrink(file) {
  if (!/^image\/(jpeg|png|webp)$/.test(file.type) || file.size < 1.5e6) return file;
  try {
    const picture = await createImageBitmap(file, { imageOrientation: 'from-image' });
    const scale = Math.min(1, 2048 / Math.max(picture.width, picture.height));
    const canvas = el('canvas', { width: Math.round(picture.width * scale), height: Math.round(picture.height * scale) });
    canvas.getContext('2d').drawImage(picture, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise((resolve) => { canvas.toBlob(resolve, 'image/jpeg', 0.86); });
    return blob && blob.size < file.size ? new File([blob], file.name.replace(/\.\w+$/, '.jpg'), { type: 'image/jpeg' }) : file;
  } catch { return file; }
}

// The reader's own region for dates, where it is the same language.
export const region = (lang) => navigator.languages?.find((one) => one.slice(0, 2) === lang.slice(0, 2)) || lang;

// Black or white, whichever is easier to read on a colour.
export function inkOn(colour) {
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16) / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.36 ? '#111' : '#fff';
}
