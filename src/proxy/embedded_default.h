// What `gatehouse run` does without a configuration: something that can be tried at once.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace gatehouse::proxy {

// The configuration, as a file would say it; `sample_port` is the sample upstream's.
std::string embedded_default(std::uint16_t sample_port);

// What is printed for a person who tries it: the addresses, and a line for the shell.
// `root_file`: where the internal CA's root lies.
std::string trial_hint(std::string_view root_file);

}  // namespace gatehouse::proxy
