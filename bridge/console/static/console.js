// What the pages cannot do without a script: follow changes, copy values, keys, times in the reader's own zone.
'use strict';
(() => {
  const $ = (selector, where = document) => [...where.querySelectorAll(selector)];

  // times: the page says UTC, the reader's zone is better
  const two = (number) => String(number).padStart(2, '0');
  const shown = (at) => `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}`;
  function tell(where) {
    for (const time of $('time[datetime]:not([data-told])', where)) {
      const at = new Date(time.dateTime);
      if (!Number.isNaN(at.getTime())) time.textContent = shown(at);
      time.dataset.told = '1';
    }
  }

  // on a phone each cell of a table is a line: it says what it is
  function label(where) {
    for (const table of $('table.stack', where)) {
      const names = $('thead th', table).map((one) => (one.querySelector('.hide') ? '' : one.textContent.trim()));
      for (const row of $('tbody tr', table)) {
        [...row.children].forEach((cell, at) => {
          if (at && names[at] && !cell.dataset.name && cell.textContent.trim()) cell.dataset.name = names[at];
        });
      }
    }
  }
  document.querySelector('.menu [aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' });

  // copying
  document.addEventListener('click', async (event) => {
    const button = event.target.closest('[data-copy]');
    if (!button) return;
    const from = document.getElementById(button.dataset.copy);
    await navigator.clipboard.writeText(from.value ?? from.textContent);
    const said = button.textContent;
    button.textContent = button.dataset.done;
    setTimeout(() => { button.textContent = said; }, 1500);
  });

  // following: one stream while the page is seen; whatever has hx-trigger="changed from:body" is loaded anew
  const where = document.body.dataset.live;
  const state = document.getElementById('live-state');
  let stream = null;
  let missed = false;
  let pause = 3000;
  const say = (on) => {
    if (!state) return;
    const words = on ? state.dataset.on : state.dataset.off;
    if (state.textContent !== words) state.textContent = words;
    state.classList.toggle('off', !on);
  };
  // nothing moves under a hand that is about to click, nor closes what somebody reads
  let moved = 0;
  document.addEventListener('pointermove', () => { moved = Date.now(); }, { passive: true });
  document.addEventListener('pointerdown', () => { moved = Date.now(); }, { passive: true });
  function busy() {
    if (Date.now() - moved < 3000 && $('[hx-trigger^="changed"] :is(a, button, summary):hover').length) return true;
    if ($('[hx-trigger^="changed"] details[open]').length) return true;
    const at = document.activeElement;
    const writing = at && at.matches('input:not([type=hidden]), textarea, select') && at.closest('[hx-get]');
    return Boolean(writing) || String(window.getSelection()).length > 0;
  }
  function changed() {
    missed = busy();
    if (missed) setTimeout(() => { if (missed) changed(); }, 1000);
    else if (window.htmx) window.htmx.trigger(document.body, 'changed');
  }
  function follow() {
    if (!where || stream || document.hidden || !$('[hx-trigger]').length) return;
    stream = new EventSource(where);
    stream.addEventListener('hello', () => { if (missed) changed(); say(true); });
    stream.addEventListener('changed', changed);
    stream.addEventListener('hello', () => { pause = 3000; });
    stream.addEventListener('error', () => {
      missed = true;
      say(false);
      if (stream?.readyState !== EventSource.CLOSED) return; // it tries again by itself
      stream = null; // an answer that is no stream: a proxy's page, or the session has ended, which a region then hears
      setTimeout(() => { changed(); follow(); }, pause);
      pause = Math.min(pause * 2, 60000);
    });
  }
  document.addEventListener('visibilitychange', () => {
    if (document.hidden && stream) { stream.close(); stream = null; missed = true; } else follow();
  });
  document.addEventListener('focusout', () => setTimeout(() => { if (missed) changed(); }, 100));

  // keys: g and a letter leads to a page, / to the search, j and k along the rows
  let leading = false;
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches('input, textarea, select')) return;
    if (leading) {
      leading = false;
      const item = $('nav.menu [data-key]').find((one) => one.dataset.key === event.key);
      if (item) item.click();
    } else if (event.key === 'g') {
      leading = true;
      setTimeout(() => { leading = false; }, 1500);
    } else if (event.key === '/') {
      event.preventDefault();
      document.getElementById('find')?.focus();
    } else if (event.key === 'j' || event.key === 'k') {
      const rows = $('[data-id] a, a[data-id]');
      const at = rows.indexOf(document.activeElement);
      rows[event.key === 'j' ? Math.min(at + 1, rows.length - 1) : Math.max(at - 1, 0)]?.focus();
    }
  });

  const prepare = () => { tell(document); label(document); };
  document.addEventListener('htmx:afterSwap', prepare);
  document.addEventListener('htmx:afterSettle', prepare);
  prepare();
  follow();
})();
