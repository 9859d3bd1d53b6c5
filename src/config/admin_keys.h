// The key `admin`: {"listen": ADDRESS}, or false.
#pragma once

#include "config/codec.h"
#include "config/model.h"

namespace gatehouse::config {

struct AdminOrFalse {
  using Value = Admin;
  static bool read(Decoder& d, const Node& node, Admin& out);
  static Schema schema();
};

}  // namespace gatehouse::config
