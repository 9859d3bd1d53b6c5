// Compiled once for all folders; what nearly every file includes. Never included by hand.
#pragma once

#include <boost/asio.hpp>
#include <chrono>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>
