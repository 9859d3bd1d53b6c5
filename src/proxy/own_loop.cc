#include "proxy/own_loop.h"

namespace gatehouse::proxy {

OwnLoop::OwnLoop(const config::Config& config)
    : storage_(loop_, blocking_,
               config.storage.path.empty() ? config::default_data_folder() : config.storage.path) {}

}  // namespace gatehouse::proxy
