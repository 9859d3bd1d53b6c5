// A client of HTTP/2 that talks in turns: sends a piece, waits until it has come back, sends the
// next. Arguments: URL, path, and "websocket" for a tunnel by extended CONNECT (RFC 8441). Says
// the response's head and trailers as JSON, and "N turns"; or "broken CODE".
'use strict';
const http2 = require('http2');
const [url, path, protocol] = process.argv.slice(2);
const TURNS = 20;

const session = http2.connect(url);
session.on('error', (error) => console.log('session ' + error.message));
session.on('remoteSettings', (settings) => {
  if (session.talking) return;
  session.talking = true;
  const head = protocol
    ? { ':method': 'CONNECT', ':protocol': protocol, ':path': path, 'sec-websocket-version': '13' }
    : { ':method': 'POST', ':path': path, te: 'trailers', 'content-type': 'application/grpc' };
  const stream = session.request(head, { endStream: false });
  let turns = 0;
  let heard = '';
  const say = () => stream.write('turn ' + turns + '\n');
  stream.on('response', (answer) => {
    console.log(JSON.stringify(answer));
    if (answer[':status'] !== 200) stream.end();
  });
  stream.on('trailers', (trailers) => console.log(JSON.stringify(trailers)));
  stream.on('data', (piece) => {
    heard += piece;
    if (heard !== 'turn ' + turns + '\n') return;
    heard = '';
    turns += 1;
    if (turns === TURNS) stream.end();
    else say();
  });
  stream.on('error', () => {});
  stream.on('close', () => {
    console.log(stream.rstCode ? 'broken ' + stream.rstCode : turns + ' turns');
    session.close();
  });
  say();
});
