#include "proxy/admin_channel.h"

#include <openssl/rand.h>

#include <array>
#include <utility>

#include "acme/base64url.h"
#include "base/blocking_pool.h"
#include "base/resolver.h"
#include "base/socket.h"
#include "http/http1_client.h"
#include "proxy/admin.h"
#include "proxy/admin_access.h"
#include "proxy/admin_json.h"
#include "proxy/run_to_end.h"
#include "storage/file_storage.h"

namespace gatehouse::proxy {

namespace {

using Answered = base::Result<AdminAnswer>;

// Who listens at every address is reached at the loopback.
base::Result<base::Endpoint> admin_from_here(config::Address address) {
  if (address.host == "0.0.0.0" || (address.host.empty() && address.unix_path.empty())) {
    address.host = "127.0.0.1";
  }
  if (address.host == "::") address.host = "::1";
  return admin_endpoint(address);
}

base::Task<Answered> read_answer(http::Http1Client& client) {
  AdminAnswer answer;
  do {
    auto head = co_await client.read_head();
    if (!head) co_return base::fail(std::move(head.error()));
    answer.status = head->status;
  } while (answer.status < 200);
  while (true) {
    const auto piece = co_await client.read();
    if (!piece) co_return base::fail(base::Error(piece.error()));
    if (piece->empty()) co_return answer;
    answer.body += base::as_text(piece->bytes());
    if (answer.body.size() > AdminChannel::kLargestAnswer) {
      co_return base::fail(base::Code::kTooLarge, "the answer is larger than 16 MiB");
    }
  }
}

// `token` may be empty: then none is sent.
base::Task<Answered> ask_running(base::Loop& loop, base::Endpoint to, AdminRequest request,
                                 std::string token, base::Deadline deadline) {
  auto socket = co_await base::connect(loop, to, deadline);
  if (!socket) co_return base::fail(std::move(socket.error()));
  http::Http1ClientOptions options;
  options.response_head = options.body_idle = options.write_stall = base::Duration(0);
  http::Http1Client client(tls::Transport(std::move(*socket)), options);
  client.limit(deadline);
  http::RequestHead head;
  head.method = request.method;
  head.target = request.path + (request.query.empty() ? "" : "?" + request.query);
  head.authority = "localhost";
  if (!token.empty()) head.fields.add("Authorization", "Bearer " + token);
  if (!request.body.empty()) head.body = http::BodyKind::kLength;
  head.content_length = request.body.size();
  auto sent = co_await client.send_head(head);
  auto body = base::Chunk::copy_of(base::as_bytes(request.body));
  if (sent && !body.empty()) sent = co_await client.write(std::move(body));
  const http::Fields no_trailers;
  if (sent) sent = co_await client.finish(no_trailers);
  auto answer = co_await read_answer(client);
  client.reset();
  co_return answer;
}

base::Result<std::string> stored_token(const config::Config& config) {
  base::BlockingPool blocking(1);
  base::Loop loop;
  storage::FileStorage storage(loop, blocking, data_folder_of(config));
  return run_to_end(loop, load_admin_token(storage));
}

// Whether who answered with this shows that it knows the token.
bool proves(const AdminAnswer& answer, const std::string& proof) {
  const auto json = AdminJson::parse(answer.body, nullptr, false);
  if (!json.is_object() || !json.contains("proof") || !json["proof"].is_string()) return false;
  return json["proof"].get<std::string>() == proof;
}

base::Task<Answered> answer_alone(certs::Automation& automation, AdminRequest request) {
  auto answer = co_await answer_admin(automation, std::move(request));
  co_return answer;
}

// What storage says, read as by a gatehouse that was not started.
Answered ask_storage(const config::Config& config, AdminRequest request) {
  base::Resolver resolver;
  base::BlockingPool blocking(2);
  tls::CertificateStore certificates;
  certs::ChallengeStore challenges;
  base::Loop loop;
  storage::FileStorage storage(loop, blocking, data_folder_of(config));
  const certs::Automation::Parts parts{loop, blocking, resolver, storage, certificates, challenges};
  certs::Automation automation(parts, std::make_shared<const config::Config>(config));
  (void)automation.load_files();  // what is wrong with them is told by validate
  return run_to_end(loop, answer_alone(automation, std::move(request)));
}

}  // namespace

std::string data_folder_of(const config::Config& config) {
  return config.storage.path.empty() ? config::default_data_folder() : config.storage.path;
}

base::Result<AdminChannel> AdminChannel::open(const config::Config& config) {
  AdminChannel nobody(config, "");
  if (!config.admin.enabled) return nobody;
  auto token = stored_token(config);
  if (!token && token.error().code == base::Code::kNotFound) return nobody;
  if (!token) {
    token.error().detail += "; the command is for the user that gatehouse runs as";
    return base::fail(std::move(token.error()));
  }
  const std::string where = config.admin.listen.text();
  const auto endpoint = admin_from_here(config.admin.listen);
  if (!endpoint) return base::fail(base::Error(endpoint.error()));
  std::array<std::uint8_t, 32> random{};
  RAND_bytes(random.data(), random.size());
  const std::string challenge = acme::base64url(random);
  AdminRequest question;
  question.path = "/health";
  question.query = "challenge=" + challenge;
  base::Loop loop;
  const auto deadline = base::Deadline::in(kHealthTime);
  auto health = run_to_end(loop, ask_running(loop, *endpoint, std::move(question), "", deadline));
  if (!health) {
    const base::Code code = health.error().code;
    if (code == base::Code::kRefused || code == base::Code::kNotFound) return nobody;
    if (code == base::Code::kTimeout || code == base::Code::kDenied) {
      health.error().detail += " (admin.listen is " + where + ")";
      return base::fail(std::move(health.error()));
    }
  }
  if (health && proves(*health, admin_proof(*token, challenge, config.admin.listen))) {
    return AdminChannel(config, std::move(*token));
  }
  if (!config.admin.written) return nobody;
  return base::fail(base::Code::kRefused,
                    "who listens at " + where + " (admin.listen) is not the gatehouse of " +
                        data_folder_of(config) + ", or was started with another configuration");
}

base::Result<AdminAnswer> AdminChannel::ask(AdminRequest request) const {
  if (!running()) return ask_storage(*config_, std::move(request));
  const auto endpoint = admin_from_here(config_->admin.listen);
  if (!endpoint) return base::fail(base::Error(endpoint.error()));
  const auto patience = request.path == "/certificates/renew" ? kLongPatience : kPatience;
  base::Loop loop;
  const auto deadline = base::Deadline::in(patience);
  auto answer =
      run_to_end(loop, ask_running(loop, *endpoint, std::move(request), token_, deadline));
  if (!answer) {
    answer.error().detail = "the running gatehouse (" + config_->admin.listen.text() +
                            ") gave no answer; it may have stopped: " + answer.error().detail;
  }
  return answer;
}

}  // namespace gatehouse::proxy
