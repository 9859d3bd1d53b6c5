// A configuration ready to serve by: immutable, shared by all workers.
#pragma once

#include <memory>
#include <utility>

#include "config/model.h"
#include "proxy/router.h"

namespace gatehouse::proxy {

struct Snapshot {
  explicit Snapshot(config::Config c) : config(std::move(c)), router(config) {}
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

  const config::Config config;
  const Router router;
};

using SnapshotRef = std::shared_ptr<const Snapshot>;

}  // namespace gatehouse::proxy
