// What the channel still allows, where it counts: the tags of the ticket say it.
import { $ } from './shared.js';

export function meter({ words, ticket, mode, lang }) {
  const tags = (ticket.tags || []).map(String), left = tags.find((tag) => /^replies-left-\d+$/.test(tag));
  const at = tags.map((tag) => tag.match(/^replies-until-(\d{4}-\d\d-\d\d)-(\d\d)(\d\d)$/)).find(Boolean);
  const until = at ? new Date(`${at[1]}T${at[2]}:${at[3]}Z`).toLocaleString(lang, { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit' }) : '';
  const count = left ? Number(left.slice(13)) : null, box = $('#meter');
  box.hidden = count === null || mode === 'note';
  box.classList.toggle('low', count !== null && count < 2);
  const text = count === null ? '' : words.left(count, until);
  if (box.textContent !== text) box.textContent = text;
}
