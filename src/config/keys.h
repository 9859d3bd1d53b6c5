// The keys of the configuration file: one table an object, from which it is read and its schema is
// made.
#pragma once

#include "config/codec.h"
#include "config/model.h"

namespace gatehouse::config {

// Reads a whole file's tree into `out`, noting every error.
void read_config(Decoder& decoder, const Node& root, Config& out);

// JSON Schema (draft 2020-12) of the file.
Schema config_schema();

}  // namespace gatehouse::config
