// The connection to the server. All state is there: after a lost connection the page shows the token of its place.

const KEY = "parlay.place";
const WAITS = [0, 300, 700, 1500, 3000, 5000, 8000, 8000, 8000, 8000];
const IDLE = 1001;

export const token = {
  get: () => sessionStorage.getItem(KEY),
  set: (value) => (value ? sessionStorage.setItem(KEY, value) : sessionStorage.removeItem(KEY)),
};

// Connect, and connect again where the connection is lost. `on.message` gets what the server sends, `on.state` one of
// open, lost, gone and idle.
export function connect(on) {
  let socket = null, tries = 0, isStopped = false;
  function open() {
    const address = new URL("/play/ws", location.href);
    address.protocol = address.protocol.replace("http", "ws");
    socket = new WebSocket(address);
    socket.onopen = () => {
      tries = 0;
      on.state("open");
      if (token.get()) send({ type: "resume", token: token.get() });
    };
    socket.onmessage = (event) => on.message(JSON.parse(event.data));
    socket.onclose = (event) => {
      if (isStopped) return;
      if (event.code === IDLE && event.reason.startsWith("no message")) on.state("idle");
      else if (tries < WAITS.length) {
        on.state("lost");
        setTimeout(open, WAITS[tries]);
        tries += 1;
      } else on.state("gone");
    };
  }
  function send(message) {
    if (socket.readyState !== WebSocket.OPEN) return false;
    socket.send(JSON.stringify(message));
    return true;
  }
  open();
  return {
    send,
    again: () => { tries = 0; open(); },
    stop: () => { isStopped = true; socket.close(1000); },
  };
}
