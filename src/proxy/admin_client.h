#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "config/model.h"

namespace gatehouse::proxy {

// Tells the gatehouse that runs with this configuration that storage's records of these names have
// changed. Blocks: for the command line.
enum class Told : std::uint8_t { kYes, kNotRunning };
base::Result<Told> tell_of_changes(const config::Config& config,
                                   const std::vector<std::string>& names);

}  // namespace gatehouse::proxy
