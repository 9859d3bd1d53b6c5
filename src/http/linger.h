// How a connection ends that the other side may still be writing to.
#pragma once

#include "tls/transport.h"

namespace gatehouse::http {

// Bounds on what is dropped: more than what the kernels on both sides hold by default, so that a
// client that stops when it hears our end always gets to hear it.
inline constexpr std::size_t kLingerBytes = 16 * 1024 * 1024;
inline constexpr base::Duration kLingerTime{2'000};

// FIN first, then drops what still comes until the other side's end, within the bounds (RFC 9112
// 9.6). A close with bytes unread would send RST, upon which the other side's kernel drops what we
// said last. The transport is to be closed afterwards; nobody else reads or writes.
base::Task<void> linger(tls::Transport& transport);

}  // namespace gatehouse::http
