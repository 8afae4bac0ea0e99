// The set-up's stop-watches: how long something has been waited for.
'use strict';
setInterval(() => {
  for (const watch of document.querySelectorAll('.watch[data-since]')) {
    const seconds = Math.max(0, Math.floor((Date.now() - new Date(watch.dataset.since)) / 1000));
    if (Number.isFinite(seconds)) {
      const text = `${String(Math.floor(seconds / 60)).padStart(2, '0')}:${String(seconds % 60).padStart(2, '0')}`;
      if (watch.textContent !== text) watch.textContent = text;
    }
  }
}, 500);
