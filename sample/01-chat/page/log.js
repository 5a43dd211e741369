const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const LONGEST = 500;

/** Creates an element; texts only ever become text nodes, so what people write is never read as markup. */
export function element(tag, className, ...children) {
  const created = document.createElement(tag);
  if (className) created.className = className;
  created.append(...children);
  return created;
}

/** An element with what a person wrote, in the direction of its own script. */
export function written(tag, className, text) {
  const created = element(tag, className, text);
  created.dir = 'auto';
  return created;
}

/** What a person wrote, with its addresses as links. They open apart and are not told where they were followed from. */
export function writtenWithLinks(tag, className, text) {
  const created = written(tag, className, '');
  let end = 0;
  for (const { 0: found, index } of text.matchAll(ADDRESS)) {
    const address = withoutPunctuation(found);
    if (!URL.canParse(address)) continue;
    const link = element('a', '', address);
    link.href = address;
    link.target = '_blank';
    link.rel = 'noopener noreferrer nofollow';
    created.append(text.slice(end, index), link);
    end = index + address.length;
  }
  created.append(text.slice(end));
  return created;
}

/** Two schemes and no other: what an address may do is open a page. */
const ADDRESS = /\bhttps?:\/\/[^\s<>"]+/gi;

/** The end of a sentence is not a part of an address, nor is a bracket that was opened before it. */
function withoutPunctuation(address) {
  let kept = address;
  for (;;) {
    const last = kept.at(-1);
    const isUnopened = last === ')' && kept.split('(').length < kept.split(')').length;
    if (!isUnopened && !".,;:!?'*_".includes(last)) return kept;
    kept = kept.slice(0, -1);
  }
}

/** Gives an element the first letter of a name, in a colour that is always the same for the same name. */
export function paintFace(face, name) {
  let hue = 7;
  for (const letter of name) hue = (hue * 31 + letter.codePointAt(0)) % 360;
  face.style.setProperty('--hue', hue);
  face.textContent = [...name][0]?.toUpperCase() ?? '';
  return face;
}

/** The conversation: bubbles and notices, kept at its end unless the reader has scrolled up. */
export class Log {
  #list;
  #scroll;
  #newer;
  #isAtEnd = true;
  /** The bubbles whose fate is open, by the id of what was sent. */
  #sending = new Map();

  constructor(list, scroll, newer) {
    this.#list = list;
    this.#scroll = scroll;
    this.#newer = newer;
    newer.addEventListener('click', () => this.#toEnd());
    scroll.addEventListener('scroll', () => {
      this.#isAtEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 60;
      if (this.#isAtEnd) newer.hidden = true;
    });
    // A phone's keyboard or a turned screen makes the room smaller: the last line stays in sight.
    new ResizeObserver(() => this.#isAtEnd && this.#toEnd()).observe(scroll);
  }

  clear() {
    this.#list.replaceChildren();
    this.#sending.clear();
    this.#toEnd();
  }

  notice(text, kind = 'plain') {
    this.#add(element('li', `notice notice-${kind}`, element('span', '', text)));
  }

  message(name, text) {
    this.#add(this.#bubble(name, text, 'message'));
  }

  /** Shows what is on its way; `sent` or `failed` decide about it. */
  sending(id, name, text) {
    const item = this.#bubble(name, text, 'message own sending');
    this.#sending.set(id, item);
    this.#add(item);
    this.#toEnd();
  }

  /** Returns false when nothing was on its way under this id; so does `failed`. */
  sent(id) {
    const item = this.#sending.get(id);
    item?.classList.remove('sending');
    return this.#sending.delete(id);
  }

  /** Says why it was not sent, with a button that gives the text to `run`. */
  failed(id, reason, { label, run }) {
    const item = this.#sending.get(id);
    if (!item) return false;
    item.classList.replace('sending', 'failed');
    const button = element('button', '', label);
    button.type = 'button';
    button.addEventListener('click', () => {
      item.remove();
      run(item.querySelector('.bubble').textContent);
    });
    item.querySelector('.said').append(element('p', 'fate', `Not sent: ${reason} `, button));
    if (this.#isAtEnd) this.#toEnd();
    return this.#sending.delete(id);
  }

  allFailed(reason, action) {
    for (const id of [...this.#sending.keys()]) this.failed(id, reason, action);
  }

  #bubble(name, text, className) {
    const item = element('li', className);
    item.dataset.name = name;
    const previous = this.#list.lastElementChild;
    const isSamePerson = previous?.dataset.name === name && previous.matches('.own') === item.matches('.own');
    item.classList.toggle('follows', isSamePerson);
    const now = new Date();
    const time = element('time', '', clock.format(now));
    time.dateTime = now.toISOString();
    const face = paintFace(element('span', 'face'), name);
    face.setAttribute('aria-hidden', 'true');
    const who = element('p', 'who', written('b', '', name), ' ', time);
    item.append(face, element('div', 'said', who, writtenWithLinks('p', 'bubble', text)));
    return item;
  }

  #add(item) {
    this.#list.append(item);
    while (this.#list.children.length > LONGEST) this.#list.firstElementChild.remove();
    if (this.#isAtEnd) this.#toEnd();
    else this.#newer.hidden = false;
  }

  #toEnd() {
    this.#scroll.scrollTop = this.#scroll.scrollHeight;
    this.#isAtEnd = true;
    this.#newer.hidden = true;
  }
}
