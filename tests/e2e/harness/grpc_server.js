// A gRPC server of @grpc/grpc-js whose messages are bytes. Arguments: none, or certificate and key
// files. Says "listening PORT" once it listens.
'use strict';
const fs = require('fs');
const grpc = require('@grpc/grpc-js');

const [certificate, key] = process.argv.slice(2);
const bytes = (buffer) => buffer;

// What a client's metadata holds for the server to give back, as the answer's own.
function heard(call) {
  const answer = new grpc.Metadata();
  for (const name of ['x-text', 'x-data-bin']) {
    for (const value of call.metadata.get(name)) answer.add(name, value);
  }
  return answer;
}

function failure(call) {
  return { code: Number(call.metadata.get('x-fail')[0]), details: 'naïve: 100%\nof it', metadata: heard(call) };
}

function watched(call, name) {
  call.on('cancelled', () => console.log('cancelled ' + name));
  call.on('error', () => {});
  console.log('begun ' + name + ' ' + (isFinite(call.getDeadline()) ? 'with deadline' : 'for ever'));
}

const acts = {
  Echo: (call, done) => {
    call.sendMetadata(heard(call));
    done(null, call.request, heard(call));
  },
  Fail: (call, done) => done(failure(call)),
  Hang: (call) => watched(call, 'Hang'),
  Collect: (call, done) => {
    let sum = 0;
    call.on('data', (message) => { sum += message.length; });
    call.on('end', () => done(null, Buffer.from(String(sum))));
  },
  // As many messages as the request says, each of its length.
  Spread: (call) => {
    const [count, length] = JSON.parse(call.request);
    for (let n = 0; n < count; ++n) call.write(Buffer.alloc(length, n));
    call.end();
  },
  // Each message at once back.
  Talk: (call) => {
    call.on('data', (message) => call.write(message));
    call.on('end', () => call.end());
  },
  // One message, then silence.
  Begin: (call) => {
    watched(call, 'Begin');
    call.write(Buffer.from('first'));
  },
  // Gives up in the middle: by a status, though the client has more to say.
  GiveUp: (call) => call.once('data', (message) => {
    call.write(message);
    call.emit('error', failure(call));
  }),
  // Gives up in the middle, at the second message: by a reset.
  Reset: (call) => call.once('data', (message) => {
    call.write(message);
    call.once('data', () => call.call.stream.close(8));
  }),
};
const streams = { Collect: [true, false], Spread: [false, true], Talk: [true, true], Begin: [false, true],
                  GiveUp: [true, true], Reset: [true, true] };

const service = {};
for (const name of Object.keys(acts)) {
  const [requestStream, responseStream] = streams[name] || [false, false];
  service[name] = { path: '/test.Peer/' + name, requestStream, responseStream, requestSerialize: bytes,
                    requestDeserialize: bytes, responseSerialize: bytes, responseDeserialize: bytes };
}

const server = new grpc.Server({ 'grpc.max_receive_message_length': -1 });
server.addService(service, acts);
const credentials = certificate
  ? grpc.ServerCredentials.createSsl(null, [{ cert_chain: fs.readFileSync(certificate), private_key: fs.readFileSync(key) }])
  : grpc.ServerCredentials.createInsecure();
server.bindAsync('127.0.0.1:0', credentials, (error, port) => console.log(error || 'listening ' + port));
