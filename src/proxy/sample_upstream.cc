#include "proxy/sample_upstream.h"

#include "http/http1_server.h"
#include "proxy/respond.h"

namespace gatehouse::proxy {

namespace {

constexpr base::Duration kIdle{2'000};  // short: nothing waits for it at the end

std::string page(const http::RequestHead& head) {
  std::string text = "Hello from behind gatehouse.\n\n";
  text.append(head.method).append(" ").append(head.target).append("\n");
  text.append("Host: ").append(head.authority).append("\n");
  for (const auto& field : head.fields) {
    text.append(field.name).append(": ").append(field.value).append("\n");
  }
  return text;
}

}  // namespace

SampleUpstream::SampleUpstream(base::Loop& loop, int fd) : listener_(loop, fd), gate_(loop) {}

void SampleUpstream::start() { gate_.spawn(accept(), "sample upstream"); }

base::Task<void> SampleUpstream::accept() {
  for (;;) {
    auto socket = co_await base::accept(listener_);
    if (!socket) co_return;
    gate_.spawn(serve(std::make_unique<base::Socket>(std::move(*socket))), "sample request");
  }
}

base::Task<void> SampleUpstream::serve(std::unique_ptr<base::Socket> socket) {
  tls::Transport transport(std::move(*socket));
  http::Http1ServerOptions options;
  options.idle = kIdle;
  http::Http1Server server(transport, options);
  for (;;) {
    if (gate_.closed()) server.set_draining();
    auto stream = co_await server.next();
    if (!stream || *stream == nullptr) break;
    http::ResponseHead head;
    head.fields.add("Content-Type", "text/plain; charset=utf-8");
    auto body = page((*stream)->head());
    auto done = co_await respond_text(**stream, std::move(head), std::move(body));
    if (!done) break;
  }
  transport.close();
}

base::Task<void> SampleUpstream::stop() {
  listener_.close();
  (void)co_await gate_.close(base::Deadline::in(kIdle * 2));
}

}  // namespace gatehouse::proxy
