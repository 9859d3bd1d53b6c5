// Serves a page that tries what pages do of HTTP, and hears from it what came of that. Says
// "listening PORT" once it listens, and "result JSON".
'use strict';
const crypto = require('crypto');
const http = require('http');
const { WebSocketServer } = require('ws');

// Runs in the page.
async function all() {
  const result = {};
  const bytes = new Uint8Array(3 << 20).map((_, at) => at * 31 + (at >> 8));
  const post = async (more) => (await fetch('/upload', { method: 'POST', ...more })).text();
  const hash = async () => Array.from(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)),
                                      (one) => one.toString(16).padStart(2, '0')).join('');
  const pieces = () => new ReadableStream({
    start(stream) {
      for (let at = 0; at < bytes.length; at += 50000) stream.enqueue(bytes.subarray(at, at + 50000));
      stream.close();
    },
  });
  const tries = {
    resources: async () => (await Promise.all(Array.from({ length: 50 }, async (_, n) =>
      (await (await fetch('/resource/' + n)).text()) === 'resource ' + n))).filter(Boolean).length,
    upload: async () => (await post({ body: new Blob([bytes]) })) === await hash(),
    stream: async () => (await post({ body: pieces(), duplex: 'half' })) === await hash(),
    events: () => new Promise((done, fail) => {
      const heard = [];
      const source = new EventSource('/events');
      source.onerror = () => fail('the events broke');
      source.onmessage = (event) => {
        heard.push(event.data);
        fetch('/heard', { method: 'POST' });  // the next one comes after that
        if (heard.length < 3) return;
        source.close();
        done(heard);
      };
    }),
    socket: () => new Promise((done, fail) => {
      const heard = [];
      const socket = new WebSocket('wss://' + location.host + '/chat', ['one', 'two']);
      socket.onopen = () => socket.send('x'.repeat(100000));
      socket.onerror = () => fail('the socket broke');
      socket.onmessage = (event) => {
        heard.push(event.data.length);
        socket.close(4000, 'mine');
      };
      socket.onclose = (event) => done([socket.protocol, ...heard, event.code, event.reason]);
    }),
    protocols: () => [...new Set(performance.getEntries().map((one) => one.nextHopProtocol)
      .filter(Boolean))],
  };
  for (const name of Object.keys(tries)) {
    try {
      result[name] = await tries[name]();
    } catch (error) {
      result[name] = String(error);
    }
  }
  await fetch('/result', { method: 'POST', body: JSON.stringify(result) });
}

const listeners = new Map();  // of events, and how many each has had
function tell(response) {
  listeners.set(response, listeners.get(response) + 1);
  response.write(`data: event ${listeners.get(response)}\n\n`);
}

const server = http.createServer((request, response) => {
  const hash = crypto.createHash('sha256');
  let body = '';
  request.on('data', (piece) => {
    hash.update(piece);
    if (request.url === '/result') body += piece;
  });
  request.on('end', () => {
    if (request.url === '/') {
      response.setHeader('content-type', 'text/html');
      response.end(`<!doctype html><script>(${all})();</script>`);
    } else if (request.url === '/upload') {
      response.end(hash.digest('hex'));
    } else if (request.url === '/events') {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      listeners.set(response, 0);
      response.on('close', () => listeners.delete(response));
      tell(response);
    } else if (request.url === '/heard') {
      for (const one of listeners.keys()) tell(one);
      response.end();
    } else if (request.url === '/result') {
      console.log('result ' + body);
      response.end();
    } else {
      response.end(request.url.slice(1).replace('/', ' '));
    }
  });
});
new WebSocketServer({ server, handleProtocols: (offered) => [...offered].pop() })
  .on('connection', (socket) => socket.on('message', (data, binary) => socket.send(data, { binary })));
server.listen(0, '127.0.0.1', () => console.log('listening ' + server.address().port));
