// Storage in memory, which can fail at will.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/event.h"
#include "storage/storage.h"

namespace gatehouse::certs {

// Several may share one `Records`, as processes share a folder.
class MemoryStorage : public storage::Storage {
 public:
  struct Records {
    std::map<std::string, std::string> records;
    std::set<std::string> damaged;  // load() says so
    std::set<std::string> aside;
    std::set<std::string> leased;
    std::uint64_t tokens = 0;
  };

  explicit MemoryStorage(base::Loop& loop,
                         std::shared_ptr<Records> records = std::make_shared<Records>())
      : loop_(loop), records_(std::move(records)) {}

  Records& held() { return *records_; }
  std::shared_ptr<Records> share() { return records_; }
  bool fail_loads = false;
  bool fail_stores = false;
  base::Code failure = base::Code::kIo;  // what they fail with
  std::vector<std::string> stored;       // keys, in order

  base::Task<base::Result<std::string>> load(std::string key) override {
    if (fail_loads) co_return broken(key);
    if (records_->damaged.contains(key)) {
      co_return base::fail(base::Code::kDamaged, base::Side::kStorage, key + " is damaged");
    }
    const auto found = records_->records.find(key);
    if (found == records_->records.end()) {
      co_return base::fail(base::Code::kNotFound, base::Side::kStorage, "no record " + key);
    }
    co_return found->second;
  }
  base::Task<base::Result<void>> store(std::string key, std::string record) override {
    if (fail_stores) co_return broken(key);
    stored.push_back(key);
    records_->records[key] = std::move(record);
    records_->damaged.erase(key);
    co_return base::Result<void>();
  }
  base::Task<base::Result<void>> remove(std::string key) override {
    records_->records.erase(key);
    co_return base::Result<void>();
  }
  base::Task<base::Result<std::string>> set_aside(std::string key) override {
    records_->records.erase(key);
    records_->damaged.erase(key);
    records_->aside.insert(key);
    co_return "aside/" + key;
  }
  base::Task<base::Result<std::vector<std::string>>> list(std::string prefix, std::string cursor,
                                                          std::size_t most) override {
    std::vector<std::string> keys;
    for (const auto& [key, record] : records_->records) {
      const bool below = key.starts_with(prefix + "/") && key.rfind('/') == prefix.size();
      if (below && key > cursor && keys.size() < most) keys.push_back(key);
    }
    co_return keys;
  }
  base::Task<base::Result<storage::Lease>> lease(std::string name,
                                                 base::Deadline deadline) override {
    while (!records_->leased.insert(name).second) {
      if (deadline.passed()) {
        co_return base::fail(base::Code::kTimeout, base::Side::kStorage, name + " is leased");
      }
      co_await base::sleep_until(loop_, base::Deadline::in(base::Duration(1)));
    }
    co_return storage::Lease(++records_->tokens, std::make_unique<Held>(records_, name));
  }

 private:
  struct Held : storage::Lease::Hold {
    Held(std::shared_ptr<Records> r, std::string n) : records(std::move(r)), name(std::move(n)) {}
    ~Held() override { records->leased.erase(name); }
    std::shared_ptr<Records> records;
    std::string name;
  };

  std::unexpected<base::Error> broken(const std::string& key) const {
    return base::fail(failure, base::Side::kStorage, key + ": the disk is gone");
  }

  base::Loop& loop_;
  std::shared_ptr<Records> records_;
};

}  // namespace gatehouse::certs
