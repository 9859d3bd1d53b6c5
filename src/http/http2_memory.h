// Where nghttp2 gets its memory: from the thread's frames, as all that lives as long as a request.
#pragma once

#include <nghttp2/nghttp2.h>

namespace gatehouse::http {

// For nghttp2_session_*_new3; lives as long as the program. A session stays on its thread.
nghttp2_mem* http2_memory();

}  // namespace gatehouse::http
