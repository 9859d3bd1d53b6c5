// The key `hooks`.
#pragma once

#include "config/codec.h"
#include "config/hooks.h"

namespace gatehouse::config {

// A list of {"command"|"webhook": {…}, "on": […], "names": […]}.
struct HookList {
  using Value = std::vector<Hook>;
  static bool read(Decoder& d, const Node& node, Value& out);
  static Schema schema();
};

}  // namespace gatehouse::config
