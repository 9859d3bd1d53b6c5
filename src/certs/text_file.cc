#include "certs/text_file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>

namespace gatehouse::certs {

base::Result<std::string> read_text_file(const std::string& path, std::size_t most) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return base::fail(base::from_errno(errno, base::Side::kLocal, "cannot open " + path));
  }
  std::string text;
  std::array<char, 16 * 1024> piece;
  while (file && text.size() <= most) {
    file.read(piece.data(), piece.size());
    text.append(piece.data(), static_cast<std::size_t>(file.gcount()));
  }
  if (file.bad()) return base::fail(base::Code::kIo, "cannot read " + path);
  if (text.size() > most) {
    return base::fail(base::Code::kTooLarge,
                      path + " is larger than " + std::to_string(most >> 20) + " MiB");
  }
  return text;
}

}  // namespace gatehouse::certs
