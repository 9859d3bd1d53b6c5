// What the readers of foreign folders have in common. Blocks. Included by them only, since
// nlohmann/json is slow to compile.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "certs/document.h"
#include "certs/foreign.h"

namespace gatehouse::certs {

// What is in a folder, in order; kMostForeign at most, and `cut` says whether there was more.
// Errors: kNotFound, kDenied, kIo.
struct Entries {
  std::vector<std::filesystem::path> paths;
  bool cut = false;
};
base::Result<Entries> entries_of(const std::filesystem::path& folder);
// The same for a folder that need not be there, or not be readable: the rest is told then.
std::vector<std::filesystem::path> entries_if_any(const std::filesystem::path& folder,
                                                  Foreign& into);

// Errors: as read_text_file; kMalformed when it is no JSON object.
base::Result<Json> read_json_file(const std::filesystem::path& file, std::size_t most);
// "" where there is none.
std::string string_at(const Json& object, std::string_view member);
// What stands under a member, or null.
const Json& member_of(const Json& object, std::string_view member);
// The first of a list of contacts that is an e-mail address; "" without any.
std::string email_of(const Json& contacts);
// "ca.example:14000" of "https://ca.example:14000/cert/1"; "" when it is no URL.
std::string host_of(std::string_view url);

// Puts a chain and a key from two files into `into`, or why they cannot be read.
void add_pair(const std::filesystem::path& chain, const std::filesystem::path& key,
              ForeignOrigin origin, Foreign& into);
// Puts an account whose key lies in a PEM file into `into`, or why not. `account.key` is not set.
void add_account(ForeignAccount account, const std::filesystem::path& key, Foreign& into);

}  // namespace gatehouse::certs
