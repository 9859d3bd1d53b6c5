#include "base/abuse_counters.h"

namespace gatehouse::base {

std::string_view name(Abuse kind) {
  switch (kind) {
    case Abuse::kSlowHead: return "slow_head";
    case Abuse::kSlowBody: return "slow_body";
    case Abuse::kSlowReader: return "slow_reader";
    case Abuse::kHeadTooLarge: return "head_too_large";
    case Abuse::kBodyTooLarge: return "body_too_large";
    case Abuse::kStreams: return "too_many_streams";
    case Abuse::kResets: return "resets";
    case Abuse::kSettings: return "settings";
    case Abuse::kPings: return "pings";
    case Abuse::kPriorities: return "priorities";
    case Abuse::kEmptyData: return "empty_data";
    case Abuse::kWindowUpdates: return "window_updates";
    case Abuse::kContinuations: return "continuations";
    case Abuse::kConnections: return "too_many_connections";
    case Abuse::kIdleEnded: return "idle_ended";
    case Abuse::kHandshakes: return "too_many_handshakes";
    case Abuse::kWaitingHandshakes: return "too_many_waiting_handshakes";
    case Abuse::kHandshakeStalled: return "handshake_stalled";
    case Abuse::kHandshakeRate: return "handshake_rate";
    case Abuse::kOrders: return "too_many_orders";
    case Abuse::kNewNames: return "too_many_new_names";
    case Abuse::kMemory: return "memory";
  }
  return "";
}

}  // namespace gatehouse::base
