// A gRPC client of @grpc/grpc-js, for grpc_server.js. Arguments: PORT, AUTHORITY, SCENARIO[,…],
// and a root's file for TLS. Says what came of it, each thing a line of JSON.
'use strict';
const fs = require('fs');
const grpc = require('@grpc/grpc-js');

const [port, authority, scenario, root] = process.argv.slice(2);
const credentials = root ? grpc.credentials.createSsl(fs.readFileSync(root)) : grpc.credentials.createInsecure();
const client = new grpc.Client('127.0.0.1:' + port, credentials, {
  'grpc.default_authority': authority, 'grpc.ssl_target_name_override': authority,
  'grpc.enable_http_proxy': 0, 'grpc.max_receive_message_length': -1,
});
const bytes = (buffer) => buffer;
const path = (name) => ['/test.Peer/' + name, bytes, bytes];
const say = (what) => console.log(JSON.stringify(what));
const ended = (call) => new Promise((done) => call.on('status', done));
const next = (call) => new Promise((done) => call.once('data', done));

// The answer of one call, or its error.
function ask(name, message, metadata = new grpc.Metadata(), options = {}) {
  return new Promise((done) => {
    let first;
    const call = client.makeUnaryRequest(...path(name), message, metadata, options, (error, answer) =>
      call.once('status', (status) => done({ error, answer, first, status })));
    call.on('metadata', (heard) => { first = heard; });
  });
}

function metadata(fields) {
  const all = new grpc.Metadata();
  for (const [name, value] of fields) all.add(name, value);
  return all;
}

function talk(name, fields = []) {
  const call = client.makeBidiStreamRequest(...path(name), metadata(fields));
  call.on('error', () => {});
  return call;
}

const FIELDS = [['x-text', 'one'], ['x-text', 'two'], ['x-data-bin', Buffer.from([0, 255, 10, 44])]];
const values = (all) => all && [all.get('x-text'), all.get('x-data-bin').map((one) => one.toString('hex'))];

const scenarios = {
  async unary() {
    const { answer, first, status } = await ask('Echo', Buffer.from('hello'), metadata(FIELDS));
    say({ answer: String(answer), code: status.code, first: values(first), last: values(status.metadata) });
    say({ empty: (await ask('Echo', Buffer.alloc(0))).answer.length });
  },
  async errors() {
    const { error } = await ask('Fail', Buffer.from('x'), metadata([['x-fail', '5'], ...FIELDS]));
    say({ code: error.code, details: error.details, last: values(error.metadata) });
    say({ code: (await ask('Nothing', Buffer.from('x'))).error.code });
  },
  async streams() {
    await new Promise((done) => {
      const call = client.makeClientStreamRequest(...path('Collect'), new grpc.Metadata(), {}, (error, answer) => {
        say({ collected: Number(answer) });
        done();
      });
      for (let n = 0; n < 500; ++n) call.write(Buffer.alloc(n));
      call.end();
    });
    const call = client.makeServerStreamRequest(...path('Spread'), Buffer.from('[300, 2000]'));
    let wrong = 0;
    let count = 0;
    call.on('data', (message) => {
      if (message.length !== 2000 || message[1999] !== count % 256) ++wrong;
      ++count;
    });
    const { code } = await ended(call);
    say({ count, wrong, code });
  },
  // Each message waits for the answer to the one before it.
  async turns() {
    const call = talk('Talk');
    let turns = 0;
    for (; turns < 50; ++turns) {
      call.write(Buffer.from('turn ' + turns));
      if (String(await next(call)) !== 'turn ' + turns) break;
    }
    call.end();
    call.resume();
    say({ turns, code: (await ended(call)).code });
  },
  async deadline() {
    const { error } = await ask('Hang', Buffer.from('x'), new grpc.Metadata(), { deadline: Date.now() + 300 });
    say({ code: error.code });
  },
  async cancel() {
    const call = client.makeServerStreamRequest(...path('Begin'), Buffer.from('x'));
    call.on('error', () => {});
    await next(call);
    call.cancel();
    say({ code: (await ended(call)).code });
  },
  async given_up() {
    for (const name of ['GiveUp', 'Reset']) {
      const call = talk(name, [['x-fail', '10']]);
      call.write(Buffer.from('more will come'));
      const answer = await next(call);
      if (name === 'Reset') call.write(Buffer.from('now'));
      const { code, details } = await ended(call.resume());
      say({ answer: String(answer), code, details: code === 10 ? details : '' });
    }
  },
  async large() {
    const message = Buffer.alloc(8 << 20);
    for (let at = 0; at < message.length; at += 4) message.writeUInt32LE(at * 2654435761 % 4294967296, at);
    say({ same: message.equals((await ask('Echo', message)).answer) });
  },
  async many() {
    const one = async (n) => {
      const message = Buffer.alloc(n * 50, n);
      const { answer } = await ask('Echo', message);
      return Boolean(answer) && message.equals(answer);
    };
    const all = await Promise.all(Array.from({ length: 400 }, (_, n) => one(n)));
    say({ same: all.filter(Boolean).length });
  },
  // Says when the conversations stand, and goes on with SIGUSR2.
  async through_a_drain() {
    const all = Array.from({ length: 50 }, () => talk('Talk'));
    for (const call of all) call.write(Buffer.from('before'));
    await Promise.all(all.map(next));
    const told = new Promise((done) => process.on('SIGUSR2', done));
    say('standing');
    const awake = setInterval(() => {}, 1000);
    await told;
    clearInterval(awake);
    const results = await Promise.all(all.map(async (call, n) => {
      call.write(Buffer.alloc(n * 100));
      const answer = await next(call);
      call.end();
      const { code } = await ended(call.resume());
      return answer.length === n * 100 && code === 0;
    }));
    say({ well: results.filter(Boolean).length });
  },
  async broken() {
    const call = client.makeServerStreamRequest(...path('Begin'), Buffer.from('x'));
    call.on('error', () => {});
    await next(call);
    say('begun');
    say({ code: (await ended(call.resume())).code });
  },
  async unary_to_nobody() {
    say({ code: (await ask('Echo', Buffer.from('x'))).error.code });
  },
};

async function all() {
  for (const name of scenario.split(',')) await scenarios[name]();
  client.close();
}
all();
