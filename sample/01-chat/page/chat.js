import { openEchoPanel } from './echo.js';
import { Log, element, paintFace, written } from './log.js';
import { RoomLink, knock } from './room-link.js';

const LONGEST_TEXT = 2000;

const byId = (id) => document.getElementById(id);
const log = new Log(byId('log'), byId('scroll'), byId('newer'));
const rooms = new Set(['lobby', 'kitchen', 'garden']);

/** Who we are, the room, and the link that keeps us there; undefined at the door. */
let visit;

// ---- the door ------------------------------------------------------------------------------------------------

function showDoor(error = '') {
  byId('chat').hidden = true;
  if (byId('door').hidden) {
    byId('door').hidden = false;
    byId('door-name').value = localStorage.getItem('name') ?? '';
    byId('door-room').value = roomOfAddress();
    byId('door-rooms').replaceChildren(...[...rooms].map((room) => new Option(room)));
    document.title = 'Parlour';
    byId('door-name').focus();
  }
  // Written only when it is another one: it is an alert, and a screen reader says it each time.
  if (byId('door-error').textContent !== error) byId('door-error').textContent = error;
}

function leave(error) {
  visit?.link.stop();
  visit = undefined;
  sessionStorage.removeItem('name');
  byId('door-enter').disabled = false;
  showDoor(error);
}

/** A room in the form the server takes it: lower case, hyphens for spaces. */
const toRoom = (text) => text.trim().toLowerCase().replace(/\s+/g, '-');

const roomOfAddress = () => toRoom(location.hash.slice(1)) || 'lobby';

// ---- entering and changing the room --------------------------------------------------------------------------

function enter(name, room) {
  visit?.link.stop();
  const link = new RoomLink(room, name);
  visit = { name, room, link, wasWelcomed: false };
  link.addEventListener('state', ({ detail }) => onState(detail));
  link.addEventListener('message', ({ detail }) => onMessage(detail));
  link.start();
}

/** The first welcome of a visit; the ones after it come from reconnecting. */
function comeIn({ name, room, people }) {
  Object.assign(visit, { name, room, wasWelcomed: true });
  rooms.add(room);
  sessionStorage.setItem('name', name);
  localStorage.setItem('name', name);
  history.replaceState(null, '', `#${room}`);
  byId('door').hidden = true;
  byId('chat').hidden = false;
  byId('me-name').textContent = name;
  paintFace(byId('me-face'), name);
  byId('room-title').textContent = room;
  byId('text').placeholder = `Say something in ${room}`;
  showRooms();
  showTitle();
  log.clear();
  log.notice(
    people.length > 1
      ? `You are in ${room}.`
      : `You are the first in ${room}. The address of this page leads others here.`,
  );
  if (matchMedia('(pointer: fine)').matches) byId('text').focus();
}

async function changeRoom(room) {
  openSide(false);
  if (!visit || room === '' || room === visit.room) return;
  try {
    const refusal = await knock(room, visit.name);
    if (refusal) toast(toSentence(refusal));
    else enter(visit.name, room);
  } catch {
    toast('The server does not answer.');
  }
}

const toSentence = (text) => `${text[0].toUpperCase()}${text.slice(1)}.`;

// ---- what the link tells -------------------------------------------------------------------------------------

const PILL = { connecting: 'Connecting', online: 'Online', waiting: 'Reconnecting', offline: 'Offline' };

const SPOKEN = { online: 'Online', waiting: 'Connection lost, reconnecting', offline: 'Offline' };

function onState({ state, seconds, reason }) {
  if (state === 'refused') {
    leave(toSentence(reason));
    return;
  }
  const isWaiting = state === 'waiting';
  const pill = byId('pill');
  const shown = isWaiting && !navigator.onLine ? 'offline' : state;
  // A screen reader hears that the state changed, not every second of a wait.
  if (pill.dataset.state !== shown) byId('state-spoken').textContent = SPOKEN[shown] ?? '';
  pill.dataset.state = shown;
  byId('pill-text').textContent = PILL[shown];

  // The bar stays for as long as the server is away, so that nothing jumps at each try.
  const isAway = isWaiting || (state === 'connecting' && visit.wasWelcomed);
  byId('lost').hidden = !isAway;
  byId('lost-text').textContent = isWaiting ? `${reason} Next try in ${seconds} s.` : 'Trying to connect.';
  if (isAway) showThatPeopleAreOutdated();
  byId('door-enter').disabled = !isWaiting;
  if (isWaiting) log.allFailed('the connection was lost.', { label: 'Try again', run: say });
  if (isWaiting && byId('chat').hidden) showDoor(`${reason} Trying again.`);
  showWhatIsLeft();
}

const EVENTS = {
  welcome({ name, room, people }) {
    if (visit.wasWelcomed) log.notice('You are back.');
    else comeIn({ name, room, people });
    showPeople(people);
  },
  joined({ name, people }) {
    log.notice(`${name} came in.`);
    showPeople(people);
  },
  left({ name, people }) {
    log.notice(`${name} left.`);
    showPeople(people);
  },
  said({ name, text }, id) {
    if (log.sent(id)) return;
    log.message(name, text);
    countUnread();
  },
  error({ message, details }, id) {
    const reason = Array.isArray(details) ? details.join(', ') : message;
    const isShown = log.failed(id, `${reason}.`, { label: 'Edit', run: draft });
    if (!isShown) log.notice(toSentence(reason), 'error');
  },
};

function onMessage(message) {
  if (typeof message === 'string') {
    // What the server says to all comes without an event.
    log.notice(message, 'hello');
    countUnread();
    return;
  }
  EVENTS[message.event]?.(message.data, message.id);
}

// ---- people, rooms, title ------------------------------------------------------------------------------------

function showPeople(people) {
  const items = people.map((name) => {
    const face = paintFace(element('span', 'face'), name);
    face.setAttribute('aria-hidden', 'true');
    return element('li', '', face, written('span', 'person', name));
  });
  items[people.indexOf(visit.name)]?.append(element('span', 'tag', 'you'));
  byId('people').replaceChildren(...items);
  byId('people-title').textContent = `Here now · ${people.length}`;
  byId('present').classList.remove('stale');
}

/** Without a connection nothing is known of the others: the next welcome tells. */
function showThatPeopleAreOutdated() {
  byId('people-title').textContent = 'Last seen here';
  byId('present').classList.add('stale');
}

function showRooms() {
  const items = [...rooms].map((room) => {
    const button = element('button', '', room);
    button.type = 'button';
    if (room === visit.room) button.setAttribute('aria-current', 'true');
    button.addEventListener('click', () => changeRoom(room));
    return element('li', '', button);
  });
  byId('rooms').replaceChildren(...items);
}

let unread = 0;

function countUnread() {
  if (document.hidden) unread++;
  showTitle();
}

function showTitle() {
  if (!document.hidden) unread = 0;
  document.title = `${unread > 0 ? `(${unread}) ` : ''}${visit.room} · Parlour`;
}

/** On a phone the side lies over the conversation; on a desk it is always there. */
function openSide(isOpen) {
  const wasOpen = byId('chat').classList.contains('side-open');
  if (isOpen === wasOpen) return;
  byId('chat').classList.toggle('side-open', isOpen);
  byId('menu').setAttribute('aria-expanded', String(isOpen));
  byId('talk').inert = isOpen;
  byId(isOpen ? 'side-close' : 'menu').focus();
}

let toastTimer;

function toast(text) {
  clearTimeout(toastTimer);
  byId('toast').textContent = text;
  toastTimer = setTimeout(() => (byId('toast').textContent = ''), 6000);
}

// ---- saying something ----------------------------------------------------------------------------------------

function say(text) {
  const id = visit.link.send('say', { text });
  if (id === undefined) draft(text);
  else log.sending(id, visit.name, text);
}

/** Puts a text that could not be sent back into the field, before what is there. */
function draft(text) {
  const field = byId('text');
  field.value = [text, field.value].filter(Boolean).join('\n');
  showWhatIsLeft();
  field.focus();
}

/** The field grows with its text; while it is hidden it has no height to measure. */
function fitField() {
  const field = byId('text');
  if (byId('chat').hidden) return;
  field.style.height = 'auto';
  field.style.height = `${field.scrollHeight + field.offsetHeight - field.clientHeight}px`;
}

/** The button tells whether the text can be sent, and a long text shows how much is left. */
function showWhatIsLeft() {
  const field = byId('text');
  fitField();
  const left = LONGEST_TEXT - field.value.trim().length;
  byId('text-left').hidden = left > 200;
  byId('text-left').textContent = left < 0 ? `${-left} too many` : `${left} left`;
  byId('text-left').classList.toggle('over', left < 0);
  byId('send').disabled = !visit?.link.isOnline || field.value.trim() === '';
}

async function sayHi() {
  try {
    const answer = await fetch('/say_hi', { method: 'POST' });
    if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
    const { sent } = await answer.json();
    toast(`Hello went to ${sent} ${sent === 1 ? 'connection' : 'connections'}.`);
  } catch {
    toast('The server does not answer.');
  }
}

// ---- what the visitor does -----------------------------------------------------------------------------------

function onSubmit(form, run) {
  byId(form).addEventListener('submit', (event) => {
    event.preventDefault();
    run();
  });
}

onSubmit('door-form', () => enter(byId('door-name').value.trim(), toRoom(byId('door-room').value)));

onSubmit('room-form', () => {
  void changeRoom(toRoom(byId('room-name').value));
  byId('room-name').value = '';
});

onSubmit('composer', () => {
  const field = byId('text');
  if (byId('send').disabled) return;
  const text = field.value.trim();
  field.value = '';
  say(text);
  showWhatIsLeft();
});

byId('text').addEventListener('input', showWhatIsLeft);
// The chat is shown, a phone is turned: the lines of the text break elsewhere.
new ResizeObserver(fitField).observe(byId('talk'));
byId('text').addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  byId('composer').requestSubmit();
});

byId('leave').addEventListener('click', () => leave());
byId('say-hi').addEventListener('click', sayHi);
byId('retry').addEventListener('click', () => visit?.link.retry());
byId('menu').addEventListener('click', () => openSide(true));
byId('side-close').addEventListener('click', () => openSide(false));
byId('shade').addEventListener('click', () => openSide(false));
addEventListener('keydown', ({ key }) => key === 'Escape' && openSide(false));
matchMedia('(max-width: 760px)').addEventListener('change', () => openSide(false));
addEventListener('hashchange', () => changeRoom(roomOfAddress()));

// A network that came back, a page that is looked at again: no reason to wait any longer.
addEventListener('online', () => visit?.link.retry());
document.addEventListener('visibilitychange', () => {
  if (!visit || document.hidden) return;
  visit.link.retry();
  showTitle();
});

openEchoPanel(byId('echo'));

// A reloaded page goes back to where it was; a new one starts at the door.
const nameBeforeReload = sessionStorage.getItem('name');
if (nameBeforeReload) enter(nameBeforeReload, roomOfAddress());
else showDoor();
