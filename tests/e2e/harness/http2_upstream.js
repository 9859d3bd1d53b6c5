// An HTTP/2 server whose path says what it does. Arguments: "h2c", or certificate and key files;
// environment STREAMS: SETTINGS_MAX_CONCURRENT_STREAMS. Says "listening PORT" once it listens, and
// "session N" for each connection.
'use strict';
const fs = require('fs');
const http2 = require('http2');
const { constants } = http2;

const settings = { enableConnectProtocol: !process.env.NO_CONNECT };
if (process.env.STREAMS) settings.maxConcurrentStreams = Number(process.env.STREAMS);
const [first, key] = process.argv.slice(2);
const make = process.env.HTTP1_ONLY ? require('https').createServer : http2.createSecureServer;
const server = first === 'h2c' ? http2.createServer({ settings })
  : make({
    settings, allowHTTP1: true, cert: fs.readFileSync(first), key: fs.readFileSync(key),
    requestCert: Boolean(process.env.CLIENT_CA), rejectUnauthorized: Boolean(process.env.CLIENT_CA),
    ca: process.env.CLIENT_CA ? fs.readFileSync(process.env.CLIENT_CA) : undefined,
  });

// A client may have gone before its stream is answered.
process.on('uncaughtException', (error) => console.log('thrown ' + error.message));

let sessions = 0;
const sockets = [];  // of the sessions
const seen = new Map();  // how often each path was asked for
const big = Buffer.alloc(1 << 20, 'x');

const acts = {
  '/echo': (stream, headers) => {
    stream.respond({ ':status': 200, 'content-type': 'application/octet-stream' });
    stream.pipe(stream);
  },
  '/head': (stream, headers) => {
    stream.respond({ ':status': 200, 'x-session': String(stream.session.number) });
    stream.end(JSON.stringify(headers) + '\n');
  },
  '/sized': (stream) => {
    stream.respond({ ':status': 200, 'content-length': '5' });
    stream.end('sized');
  },
  '/none': (stream) => stream.respond({ ':status': 204 }, { endStream: true }),
  '/not-modified': (stream) => stream.respond({ ':status': 304, etag: 'x' }, { endStream: true }),
  '/hints': (stream) => {
    stream.additionalHeaders({ ':status': 103, link: '</a.css>; rel=preload' });
    stream.respond({ ':status': 200 });
    stream.end('after hints');
  },
  '/trailers': (stream) => {
    const sums = [];
    stream.on('trailers', (trailers) => sums.push(trailers['x-up'] || 'none'));
    stream.respond({ ':status': 200 }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '11', 'x-heard': sums.join() }));
    stream.resume();
    stream.on('end', () => stream.end('hello world'));
  },
  '/early': (stream) => {
    stream.respond({ ':status': 413 });
    stream.end('too large');
  },
  '/cut': (stream) => {
    stream.respond({ ':status': 200 });
    stream.write('half', () => stream.destroy(new Error('cut')));
  },
  '/reset': (stream, headers) => {
    stream.respond({ ':status': 200 }, { waitForTrailers: true });  // else Node ends it before
    stream.write('half', () => stream.close(Number(headers[':path'].split('?')[1])));
  },
  '/short': (stream) => {
    stream.respond({ ':status': 200, 'content-length': '10' });
    stream.end('half');
  },
  '/die': (stream) => {
    stream.respond({ ':status': 200 });
    stream.write('half', () => sockets[stream.number - 1].destroy());
  },
  '/silent': (stream) => {
    console.log('silent ' + stream.session.number);
    stream.on('error', () => {});
    stream.on('close', () => console.log('closed ' + stream.rstCode));
  },
  '/big': (stream) => {
    let left = 64;
    stream.on('error', () => {});
    stream.on('close', () => console.log('closed ' + stream.rstCode));
    stream.respond({ ':status': 200 });
    const more = () => {
      while (left-- > 0) if (!stream.write(big)) return void stream.once('drain', more);
      stream.end();
    };
    more();
  },
  // The first time: refused, or sent away; then answered.
  '/refuse': (stream) => stream.close(constants.NGHTTP2_REFUSED_STREAM),
  '/refuse-late': (stream) => {
    stream.once('data', () => stream.close(constants.NGHTTP2_REFUSED_STREAM));
  },
  '/goaway': (stream) => stream.session.goaway(constants.NGHTTP2_NO_ERROR, Math.max(0, stream.id - 2)),
  '/leave': (stream) => {
    stream.session.goaway(constants.NGHTTP2_NO_ERROR);
    stream.respond({ ':status': 200, 'x-session': String(stream.session.number) });
    stream.end('last\n');
  },
  '/grpc': (stream, headers) => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' },
                   { waitForTrailers: true });
    stream.on('wantTrailers', () =>
      stream.sendTrailers({ 'grpc-status': headers.te === 'trailers' ? '0' : '13' }));
    stream.pipe(stream);
  },
  '/grpc-only': (stream) =>
    stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '5',
                     'grpc-message': 'nobody' }, { endStream: true }),
};
const once = new Set(['/refuse', '/refuse-late', '/goaway']);

// What came by HTTP/1.1.
server.on('request', (request, response) => {
  if (request.httpVersionMajor !== 1) return;
  // Once all has come: curl 7.88 takes the end of an upload that nobody waits for as a failure.
  request.resume().on('end', () =>
    response.end(JSON.stringify({ version: request.httpVersion, ...request.headers }) + '\n'));
});
server.removeAllListeners('stream');  // that the listener above made Node add, for HTTP/2

server.on('connection', (socket) => sockets.push(socket));
server.on('session', (session) => {
  session.number = ++sessions;
  session.on('error', () => {});
  console.log('session ' + session.number);
});
server.on('stream', (stream, headers) => {
  stream.on('error', () => {});
  stream.number = stream.session.number;
  const path = headers[':path'].split('?')[0];
  const times = (seen.get(path) || 0) + 1;
  seen.set(path, times);
  if (headers[':method'] === 'CONNECT') {
    console.log('tunnel ' + JSON.stringify(headers));
    stream.respond({ ':status': path === '/refused' ? 403 : 200 });
    stream.pipe(stream);
  } else if (once.has(path) && times > 1) {
    stream.respond({ ':status': 200, 'x-session': String(stream.session.number) });
    stream.write('again ' + times + ' ');
    stream.pipe(stream);
  } else {
    acts[path](stream, headers);
  }
});
server.on('upgrade', (request, socket) => {
  const proof = require('crypto').createHash('sha1')
    .update(request.headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11')
    .digest('base64');
  socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
               `Sec-WebSocket-Accept: ${proof}\r\n\r\n`);
  socket.pipe(socket);
});
server.listen(Number(process.env.PORT || 0), '127.0.0.1',
              () => console.log('listening ' + server.address().port));
