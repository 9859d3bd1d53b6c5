#include "proxy/protocol_options.h"

#include <algorithm>

namespace gatehouse::proxy {

namespace {

http::HeadLimits head_limits(const config::Limits& limits) {
  const auto unlimited = [](std::uint64_t n) { return n == 0 ? UINT32_MAX : n; };
  http::HeadLimits head;
  head.head_bytes = unlimited(limits.head_bytes);
  head.fields = unlimited(limits.fields);
  return head;
}

std::uint32_t narrow(std::uint64_t n) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(n, UINT32_MAX));
}

}  // namespace

http::Http1ServerOptions http1_server_options(const config::Config& config,
                                              base::AbuseCounters& abuse, http::IdleClients& idle,
                                              bool plain) {
  http::Http1ServerOptions options;
  options.head = head_limits(config.limits);
  options.body_bytes = config.limits.body_bytes;
  options.request_head = config.timeouts.request_head;
  options.body_idle = config.timeouts.body_idle;
  options.write_stall = config.timeouts.body_idle;
  options.idle = config.timeouts.idle;
  options.stream_idle = config.timeouts.stream_idle;
  options.least_rate = config.limits.least_rate;
  options.abuse = &abuse;
  options.idle_clients = &idle;
  options.http2 = plain;
  return options;
}

http::Http2Options http2_server_options(const config::Config& config, base::AbuseCounters& abuse,
                                        http::IdleClients& idle) {
  const auto& limits = config.limits;
  http::Http2Options options;
  options.head = head_limits(limits);
  options.body_bytes = limits.body_bytes;
  options.streams = narrow(limits.streams);
  options.least_rate = limits.least_rate;
  options.abuse = &abuse;
  options.idle_clients = &idle;
  options.floods.settings = narrow(limits.settings_frames);
  options.floods.pings = narrow(limits.ping_frames);
  options.floods.priorities = narrow(limits.priority_frames);
  options.floods.empty_data = narrow(limits.empty_frames);
  options.floods.window_updates = narrow(limits.window_update_frames);
  options.floods.resets = narrow(limits.stream_resets);
  options.request_head = config.timeouts.request_head;
  options.body_idle = config.timeouts.body_idle;
  options.stream_idle = config.timeouts.stream_idle;
  options.write_stall = config.timeouts.body_idle;
  options.idle = config.timeouts.idle;
  return options;
}

http::Http1ClientOptions http1_client_options(const config::Config& config) {
  http::Http1ClientOptions options;
  options.response_head = config.timeouts.upstream_response;
  options.body_idle = config.timeouts.body_idle;
  options.stream_idle = config.timeouts.stream_idle;
  options.write_stall = config.timeouts.body_idle;
  return options;
}

http::Http2Options http2_client_options(const config::Config& config) {
  const auto same = http1_client_options(config);
  http::Http2Options options;
  options.head = same.head;
  options.response_head = same.response_head;
  options.body_idle = same.body_idle;
  options.stream_idle = same.stream_idle;
  options.write_stall = same.write_stall;
  // One connection carries the answers to many clients, and whoever runs the server is known: what
  // would be much from a client is not from it.
  constexpr std::uint32_t kTimes = 100;
  auto& floods = options.floods;
  for (auto* limit : {&floods.settings, &floods.pings, &floods.priorities, &floods.empty_data,
                      &floods.window_updates}) {
    *limit *= kTimes;
  }
  return options;
}

}  // namespace gatehouse::proxy
