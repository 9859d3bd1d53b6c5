// Compiled once for all folders; what nearly every file includes. Never included by hand.
#pragma once

#include <boost/intrusive/list.hpp>
#include <chrono>
#include <coroutine>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>
