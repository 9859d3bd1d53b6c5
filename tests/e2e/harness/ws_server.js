// A WebSocket server of the package ws. Arguments: none, or certificate and key files. Says
// "listening PORT" once it listens, and "closed CODE REASON" of each connection. A message "close
// CODE REASON" makes it close; "ping DATA" makes it ping, and say "pong DATA"; "fragments A B …"
// is answered in fragments; any other is given back. A path /refused is refused.
'use strict';
const fs = require('fs');
const { WebSocketServer } = require('ws');

const [certificate, key] = process.argv.slice(2);
const server = certificate
  ? require('https').createServer({ cert: fs.readFileSync(certificate), key: fs.readFileSync(key) })
  : require('http').createServer();
const sockets = new WebSocketServer({
  server, maxPayload: 16 << 20, perMessageDeflate: { threshold: 0 },
  handleProtocols: (offered) => [...offered].pop(),
  verifyClient: (info, done) => done(info.req.url !== '/refused', 403, 'no'),
});
sockets.on('connection', (socket) => {
  socket.on('error', (error) => console.log('error ' + error.message));
  socket.on('close', (code, reason) => console.log(`closed ${code} ${reason}`));
  socket.on('pong', (data) => console.log(`pong ${data}`));
  socket.on('message', (message, binary) => {
    const [word, ...rest] = binary ? [] : String(message.subarray(0, 200)).split(' ');
    if (word === 'close') socket.close(Number(rest[0]), rest[1]);
    else if (word === 'ping') socket.ping(rest[0]);
    else if (word === 'fragments') rest.forEach((one, n) => socket.send(one, { fin: n === rest.length - 1 }));
    else socket.send(message, { binary });
  });
});
server.listen(0, '127.0.0.1', () => console.log('listening ' + server.address().port));
