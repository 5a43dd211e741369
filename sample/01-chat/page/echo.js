/** The echo at `/ws/echo`: what is sent comes back as it is, without any envelope. */
export function openEchoPanel(panel) {
  const form = panel.querySelector('form');
  const field = panel.querySelector('input');
  const log = panel.querySelector('ol');
  let socket;

  const note = (kind, text) => {
    const line = document.createElement('li');
    line.dataset.kind = kind;
    line.textContent = text;
    log.append(line);
    while (log.children.length > 20) log.firstChild.remove();
    log.scrollTop = log.scrollHeight;
  };

  const connect = () => {
    const address = new URL('/ws/echo', location.href);
    address.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
    const opening = new WebSocket(address);
    opening.addEventListener('message', ({ data }) => note('in', data));
    opening.addEventListener('close', () => {
      if (socket !== opening) return;
      socket = undefined;
      note('end', 'closed; the next text opens it again');
    });
    return opening;
  };

  const send = (text) => {
    socket ??= connect();
    if (socket.readyState === WebSocket.CONNECTING) {
      socket.addEventListener('open', () => send(text), { once: true });
      return;
    }
    socket.send(text);
    note('out', text);
  };

  panel.addEventListener('toggle', () => {
    if (panel.open) return;
    const closing = socket;
    socket = undefined;
    closing?.close(1000);
  });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (field.value === '') return;
    send(field.value);
    field.value = '';
  });
}
