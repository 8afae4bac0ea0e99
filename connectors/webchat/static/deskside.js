// Beside a conversation: its head with what can be done, and what is known of the customer.
import { $, el, fill, icon, linked } from './shared.js';
import { beginning } from './deskbegin.js';
import { face, nameOf } from './desklist.js';

export function head(view) {
  const { words, ticket, wire } = view, name = nameOf(ticket, words), solved = ticket.status === 'solved';
  const select = el('select', { 'aria-label': words.assign, title: words.assign, onchange: ({ target }) => view.act('assignee', { to: target.value }) },
    el('option', { value: '', selected: !ticket.assignee }, words.unassigned),
    ...[...new Set([...wire.agents, ticket.assignee].filter(Boolean))].map((agent) => el('option', { value: agent, selected: agent === ticket.assignee }, agent === wire.agent ? `${agent} (${words.me})` : agent)));
  fill($('#head'),
    el('button.icon.back', { type: 'button', 'aria-label': words.back, onclick: () => view.leave() }, icon('M15 5l-7 7 7 7')),
    face(name, ticket.contact), el('div.who', {}, el('h1', {}, el('bdi', {}, name)), el('p.dim', {}, `#${ticket.id}${ticket.channel ? ` · ${ticket.channel}` : ''}`, ticket.subject ? ` · ${ticket.subject}` : '')),
    el('div.acts', {}, select, el(`button.${solved ? 'soft' : 'good'}`, { id: 'settle', type: 'button', onclick: () => view.settle() }, solved ? words.reopen : words.solve),
      el('button.icon.details', { type: 'button', 'aria-label': words.details, title: words.details, onclick: () => document.body.classList.toggle('side') }, icon('M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4 21a8 8 0 0 1 16 0'))));
}

export function side(view) {
  const { words, ticket, others, lang } = view;
  const { profile, context, fields } = ticket, name = nameOf(ticket, words);
  const row = (label, value) => value && el('div', {}, el('dt', {}, label), el('dd', { dir: 'auto' }, value));
  const page = context.page || context.entry_page || '';
  const rest = Object.entries(context).filter(([key, value]) => value && !['page', 'title', 'referrer'].includes(key));
  const group = (title, ...rows) => (rows.flat().some(Boolean) ? el('section', {}, el('h3', {}, title), el('dl', {}, ...rows.flat())) : null);
  const chips = (fields.tags || []).map((tag) => el('span.chip', {}, String(tag)));
  fill($('#side'),
    el('button.icon.shut', { type: 'button', 'aria-label': words.back, onclick: () => document.body.classList.remove('side') }, icon('M6 6l12 12M18 6L6 18')),
    el('div.card0', {}, face(name, ticket.contact), el('h2', {}, el('bdi', {}, name))),
    group(words.profile, row(words.email, profile.email), row(words.phone, profile.phone), row(words.locale, profile.locale),
      Object.entries({ ...profile.profile, ...profile.extra }).map(([key, value]) => row(words[key] || key, value)), row(words.id, profile.id)),
    group(words.entry, row(words.page, page && /^https?:/.test(page) ? linked(page) : page), row(words.title, context.title), row(words.referrer, context.referrer && linked(context.referrer)), rest.map(([key, value]) => row(words[key] || key, value))),
    group(words.ticket, row(words.created, new Date(ticket.created).toLocaleString(lang)), row(words.group, fields.group && String(fields.group)), row(words.priority, fields.priority && String(fields.priority)), chips.length ? row(words.tags, chips) : null,
      ticket.previous && row(words.previous, el('a', { href: `#${ticket.previous}` }, `#${ticket.previous}`))),
    el('section', {}, el('h3', {}, words.others), others.length ? el('ul', {}, others.map((other) => el('li', {}, el('a', { href: `#${other.id}` }, el('b', {}, `#${other.id}`), ` ${other.subject}`, el('small', {}, ` ${other.status === 'solved' ? words.solved : words.open}`)))))
      : el('p.dim', {}, words.none)), beginning(view));
}
