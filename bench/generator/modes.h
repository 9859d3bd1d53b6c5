// What the generator can do. Each runs for the options' seconds and prints what it has counted.
#pragma once

#include "connection.h"

namespace gatehouse::bench {

// Connections one after the other, `connections` at once: TCP, a full TLS handshake or one by
// ticket, one GET, close. Done: a connection.
void handshakes(const Options& options);

// POSTs of `bytes` each on `connections` connections. Done: a request.
void uploads(const Options& options);

// GETs at `rate` a second whatever becomes of them, on `connections` connections: how long each
// took from the moment that it was due, waiting for a connection included. Done: a request.
void latency(const Options& options);

// Opens `connections`, asks once on each, prints the tally, and keeps them until standard input
// ends. Any that breaks meanwhile is told on standard error, and the exit status is 1.
void idle(const Options& options);

// ClientHellos for a name that the proxy has no certificate for, each on a connection of its own.
// Done: one that was answered with a fatal alert; anything else has failed.
void refused(const Options& options);

// Not a generator but what stands behind the proxy: an HTTP/1.1 server that answers GET /1k,
// GET /10m and GET /bytes/N with bodies of that size, and POST once its body has come.
void origin(const Options& options);

}  // namespace gatehouse::bench
