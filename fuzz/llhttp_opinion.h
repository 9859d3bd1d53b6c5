// What llhttp, a parser that much of the world uses, says of a head that our own reader accepts: it
// must read the same, for upstreams may be using it.
#pragma once

#include <llhttp.h>

#include <cstdlib>
#include <string>

#include "http/fields.h"
#include "http/http1_head.h"

namespace gatehouse::http {

class LlhttpOpinion {
 public:
  // Ends the process where the two differ. `head`: from start line through empty line.
  static void compare(llhttp_type_t type, std::string_view head, const RawHead& ours) {
    LlhttpOpinion opinion;
    llhttp_settings_t settings;
    llhttp_settings_init(&settings);
    settings.on_method = settings.on_url = settings.on_status = settings.on_header_field =
        settings.on_header_value = append;
    settings.on_method_complete = settings.on_url_complete = settings.on_header_field_complete =
        settings.on_header_value_complete = end;
    settings.on_status_complete = end;
    settings.on_headers_complete = [](llhttp_t*) { return static_cast<int>(HPE_PAUSED); };
    llhttp_t parser;
    llhttp_init(&parser, type, &settings);
    parser.data = &opinion;
    const auto text = with_spaces_at_ends(head);
    if (llhttp_execute(&parser, text.data(), text.size()) != HPE_PAUSED) std::abort();
    if (opinion.told_ != text_of(type, ours)) std::abort();
  }

 private:
  // A tab may follow a field's value as a space may (RFC 9110 5.6.3), but llhttp refuses it behind
  // the digits of Content-Length. Nobody's upstream sees it: fields are written without blanks.
  static std::string with_spaces_at_ends(std::string_view head) {
    std::string text(head);
    for (auto end = text.find("\r\n"); end != std::string::npos; end = text.find("\r\n", end + 2)) {
      for (auto at = end; at > 0 && (text[at - 1] == ' ' || text[at - 1] == '\t'); --at)
        text[at - 1] = ' ';
    }
    return text;
  }
  static int append(llhttp_t* l, const char* at, std::size_t n) {
    static_cast<LlhttpOpinion*>(l->data)->part_.append(at, n);
    return 0;
  }
  static int end(llhttp_t* l) {
    auto& self = *static_cast<LlhttpOpinion*>(l->data);
    self.told_.append(without_blanks(self.part_)).append("\n");
    self.part_.clear();
    return 0;
  }
  static std::string text_of(llhttp_type_t type, const RawHead& head) {
    std::string text;
    const auto tell = [&text](std::string_view part) { text.append(part).append("\n"); };
    if (type == HTTP_REQUEST) {
      tell(head.method);
      tell(head.target);
    } else {
      tell(without_blanks(head.reason));
    }
    for (const auto& field : head.fields) {
      tell(field.name);
      tell(field.value);
    }
    return text;
  }

  std::string part_;
  std::string told_;
};

}  // namespace gatehouse::http
