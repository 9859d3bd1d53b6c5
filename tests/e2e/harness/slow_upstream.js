// A server whose responses never end, and say a piece more with each SIGUSR2. Argument: "h1" or
// "h2c". Says "listening PORT" once it listens, "open PATH" for each request, and "gone PATH CODE"
// when nobody wants it any more (of HTTP/2, the code of RST_STREAM).
'use strict';
const http = require('http');
const http2 = require('http2');

const types = { '/events': 'text/event-stream; charset=utf-8', '/text': 'text/plain' };
const open = new Map();  // responses, and how many pieces they had

function serve(request, response) {
  const path = request.url;
  response.on('error', () => {});
  response.on('close', () => {
    open.delete(response);
    console.log(`gone ${path} ${response.stream ? response.stream.rstCode : '-'}`);
  });
  response.writeHead(200, { 'content-type': types[path.split('?')[0]], 'x-accel-buffering': 'no' });
  response.flushHeaders();
  open.set(response, 0);
  console.log('open ' + path);
}

process.on('SIGUSR2', () => {
  for (const [response, pieces] of open) {
    response.write(`data: ${pieces}\n\n`);
    open.set(response, pieces + 1);
  }
});
const server = process.argv[2] === 'h1' ? http.createServer(serve) : http2.createServer(serve);
server.on('session', (session) => session.on('error', () => {}));
server.listen(0, '127.0.0.1', () => console.log('listening ' + server.address().port));
