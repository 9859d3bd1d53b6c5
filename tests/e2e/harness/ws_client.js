// A WebSocket client of the package ws, for ws_server.js. Arguments: PORT, HOST, SCENARIO, and a
// root's file for TLS. Says what came of it, each thing a line of JSON.
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const WebSocket = require('ws');

const [port, host, scenario, root] = process.argv.slice(2);
const say = (what) => console.log(JSON.stringify(what));
const next = (socket, event) => new Promise((done) => socket.once(event, (...all) => done(all)));

function connect(path = '/', protocols = [], options = {}) {
  return new WebSocket(`${root ? 'wss' : 'ws'}://127.0.0.1:${port}${path}`, protocols, {
    servername: host, headers: { host }, ca: root && fs.readFileSync(root), maxPayload: 16 << 20, ...options });
}

async function open(...how) {
  const socket = connect(...how);
  await next(socket, 'open');
  return socket;
}

async function ended(socket) {
  const [code, reason] = await next(socket, 'close');
  return { code, reason: String(reason) };
}

// Sizes from 0 to 1 MiB, small ones as often as large ones, the same ones in each run.
function sizes(count, seed) {
  const random = (n) => crypto.createHash('md5').update(seed + ' ' + n).digest().readUInt32LE() / 2 ** 32;
  return [0, 1, 125, 126, 65535, 65536, 1 << 20].concat(
    Array.from({ length: count }, (_, n) => Math.floor(2 ** (20 * random(n)))));
}

// Sends `message` in `pieces` fragments, with a ping between them.
function send(socket, message, pieces) {
  const length = Math.ceil(message.length / pieces);
  for (let n = 0; n < pieces; ++n) {
    socket.send(message.subarray(n * length, (n + 1) * length), { fin: n === pieces - 1, binary: true });
    if (n === 0 && pieces > 1) socket.ping('between');
  }
}

// All messages are on their way at once; each must come back whole and in its place.
async function soak(seed, count, options) {
  const socket = await open('/', [], options);
  const wanted = sizes(count, seed).map((size) => crypto.randomBytes(size));
  let good = 0;
  let pongs = 0;
  let at = 0;
  socket.on('pong', (data) => { if (String(data) === 'between') ++pongs; });
  const all = new Promise((done) => socket.on('message', (message) => {
    if (message.equals(wanted[at++])) ++good;
    if (at === wanted.length) done();
  }));
  wanted.forEach((message, n) => send(socket, message, 1 + n % 4));
  await all;
  socket.close(1000, 'done');
  return { good, pongs, deflated: socket.extensions, ...await ended(socket) };
}

const scenarios = {
  async soak() {
    say(await soak('plain', 60, { perMessageDeflate: false }));
    say(await soak('deflated', 30, { perMessageDeflate: { threshold: 0 } }));
  },
  async many() {
    const all = await Promise.all(Array.from({ length: 40 }, (_, n) => soak(String(n), 3, { perMessageDeflate: false })));
    say({ well: all.filter((one) => one.good === 10 && one.code === 1000).length });
  },
  async closes() {
    for (const code of [1000, 1011, 4711]) {
      const socket = await open();
      socket.send(`close ${code} because`);
      say(await ended(socket));
    }
    const socket = await open();
    socket.close(4000, 'mine');
    say(await ended(socket));
    const gone = await open();
    gone.terminate();
    say(await ended(gone));
  },
  async words() {
    const socket = await open('/', ['first', 'second']);
    say({ protocol: socket.protocol });
    socket.send('grüße');
    say(String((await next(socket, 'message'))[0]));
    socket.send('fragments a bc  d');
    say(String((await next(socket, 'message'))[0]));
    socket.send('ping are-you-there');
    say(String((await next(socket, 'ping'))[0]));
    socket.close();
    say(await ended(socket));
  },
  async refused() {
    const socket = connect('/refused');
    const [, response] = await next(socket, 'unexpected-response');
    say({ status: response.statusCode });
    response.destroy();
  },
};

scenarios[scenario]();
