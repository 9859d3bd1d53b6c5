// A server that does with each request what its field "x-plan" (JSON) says, and tells what it got.
// Arguments: "h1" or "h2c". Says "listening PORT" once it listens; then for each request
// "heard ID SHA256 TRAILERS", once it has come whole.
//
// A plan: id; wait (for the end of the request before answering); sizes (of pieces of the body);
// length (whether it is announced); trailers; pause (after how many pieces); cut (before which).
'use strict';
const crypto = require('crypto');
const http = require('http');
const http2 = require('http2');

const pattern = Buffer.from(Array.from({ length: 1 << 20 }, (_, i) => (i * 31 + (i >> 8)) & 255));

process.on('uncaughtException', (error) => console.log('thrown ' + error.message));

function listen(request, plan, then) {
  const hash = crypto.createHash('sha256');
  request.on('data', (piece) => hash.update(piece));
  request.on('error', () => {});
  const broken = () => request.stream ? request.stream.aborted || request.stream.rstCode : !request.complete;
  request.on('end', () => {
    if (broken()) return;
    const trailers = request.trailers['x-up'] || '-';
    console.log(`heard ${plan.id} ${hash.digest('hex')} ${trailers}`);
    then();
  });
}

function cut(response) {
  if (response.stream) response.stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR);
  else response.socket.destroy();
}

function say(response, plan, number, at) {
  for (; number < plan.sizes.length; ++number) {
    if (number === plan.cut) return void cut(response);
    const piece = pattern.subarray(at, at + plan.sizes[number]);
    at += piece.length;
    const next = () => say(response, plan, number + 1, at);
    if (number === plan.pause) return void response.write(piece, () => setImmediate(next));
    if (!response.write(piece)) return void response.once('drain', next);
  }
  if (plan.cut === number) return void cut(response);
  if (plan.trailers) response.addTrailers({ 'x-down': plan.trailers });
  response.end();
}

function serve(request, response) {
  const plan = JSON.parse(request.headers['x-plan']);
  const total = plan.sizes.reduce((sum, one) => sum + one, 0);
  const head = plan.length ? { 'content-length': String(total) } : {};
  if (plan.trailers && request.httpVersionMajor === 1) head.trailer = 'x-down';
  response.on('error', () => {});
  const answer = () => {
    if (plan.hint) response.writeEarlyHints({ link: '</a>; rel=preload' });
    response.writeHead(200, head);
    say(response, plan, 0, 0);
  };
  listen(request, plan, plan.wait ? answer : () => {});
  if (!plan.wait) answer();
}

const server = process.argv[2] === 'h1' ? http.createServer(serve) : http2.createServer(serve);
server.on('session', (session) => session.on('error', () => {}));
server.listen(0, '127.0.0.1', () => console.log('listening ' + server.address().port));
