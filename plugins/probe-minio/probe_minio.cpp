// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "common/disk.hpp"
#include "common/http_probe.hpp"
#include "s3_answer.hpp"

namespace fbx::minio {

namespace {

using common::CheckFailed;
using common::Deadline;
using common::Endpoint;
using common::HttpResponse;
using common::Result;
using common::Retry;
using common::S3Login;
using common::Severity;

// What a refused signed request means for the operator.
[[noreturn]] void fail_signed(const std::string& who, const HttpResponse& response) {
  const std::string code = error_code(response.body);
  const std::string evidence = code.empty() ? common::http_evidence(response)
                                            : fmt::format("HTTP {}: {}", response.status, code);
  if (code == "InvalidAccessKeyId")
    throw CheckFailed(Retry::no, fmt::format("{} does not know the access key", who), evidence,
                      "set access_key to the secret that the server was started with "
                      "(MINIO_ROOT_USER), or create the user");
  if (code == "SignatureDoesNotMatch")
    throw CheckFailed(Retry::no, fmt::format("{} refused the secret key", who), evidence,
                      "secret_key and the server's MINIO_ROOT_PASSWORD differ: set them to the "
                      "same value and restart the service");
  if (code == "RequestTimeTooSkewed")
    throw CheckFailed(Retry::no, fmt::format("{} has another time than this machine", who),
                      evidence, "set both clocks right (NTP)");
  if (code == "AccessDenied")
    throw CheckFailed(Retry::no, fmt::format("{} denies these keys the listing", who), evidence,
                      "give the user the policy `readwrite`, or one with s3:ListBucket");
  if (code == "XMinioStorageFull")
    throw CheckFailed(Retry::no, fmt::format("{} has no space left", who), evidence,
                      "free space or grow the disk: uploads fail until then");
  if (code == "XMinioServerNotInitialized" || response.status == 503)
    throw common::still_starting(who, evidence);
  throw CheckFailed(Retry::no, fmt::format("{} does not answer like S3", who), evidence,
                    "check that port is MinIO's API port (9000), not its console's");
}

}  // namespace

class ProbeMinio final : public common::Probe {
 public:
  explicit ProbeMinio(std::string_view context) : Probe(context, "MinIO", 9000) {}

 protected:
  std::string intent() const override {
    return "ask whether it is live and ready, list buckets with the keys, judge bucket and space";
  }

  void check(const Deadline& deadline, const Endpoint& endpoint, Result& result) override {
    const Server server{
        endpoint.url(common::need_boolean(config(), "tls") ? "https" : "http"), who(endpoint),
        deadline,
        S3Login{secret_of(deadline.op(), "access_key"), secret_of(deadline.op(), "secret_key"),
                common::need_text(config(), "region")}};
    check_health(server);

    const HttpResponse buckets = server.signed_get("/");
    if (buckets.status != 200) fail_signed(server.who, buckets);
    judge_latency(buckets.ms, endpoint, result);
    const auto names = elements(buckets.body, "Name");
    if (buckets.body.find("<ListAllMyBucketsResult") == std::string::npos)
      fail_signed(server.who, buckets);
    result.metric("buckets", static_cast<std::int64_t>(names.size()), "");
    judge_bucket(server, names, result);
    const std::string version = judge_server(server, result);
    summarize(version, buckets.ms, endpoint, result);
  }

 private:
  struct Server {
    std::string url;
    std::string who;
    const Deadline& deadline;
    S3Login login;

    HttpResponse get(std::string_view path) const {
      common::HttpRequest request;
      request.url = url + std::string(path);
      return common::ask_http(request, deadline, who);
    }
    HttpResponse signed_get(std::string_view path_and_sorted_query) const {
      common::HttpRequest request;
      request.url = url + std::string(path_and_sorted_query);
      request.s3 = &login;
      return common::ask_http(request, deadline, who);
    }
  };

  static void check_health(const Server& server) {
    const HttpResponse live = server.get("/minio/health/live");
    if (live.status == 404 || live.status == 403)
      throw CheckFailed(Retry::no, fmt::format("{} does not answer like MinIO", server.who),
                        common::http_evidence(live),
                        "check that port is MinIO's API port (9000), not its console's");
    if (live.status != 200)
      throw CheckFailed(Retry::yes, fmt::format("{} is not live", server.who),
                        "/minio/health/live: " + common::http_evidence(live),
                        "see the service's log (`fusebox logs`)");
    const HttpResponse ready = server.get("/minio/health/ready");
    if (ready.status != 200)
      throw common::still_starting(server.who,
                                   "/minio/health/ready: " + common::http_evidence(ready));
    const HttpResponse cluster = server.get("/minio/health/cluster");
    if (cluster.status != 200)
      throw CheckFailed(Retry::yes, fmt::format("{} has no write quorum", server.who),
                        "/minio/health/cluster: " + common::http_evidence(cluster),
                        "wait while it starts; later: bring the missing drives or servers back");
  }

  void judge_bucket(const Server& server, const std::vector<std::string>& names,
                    Result& result) const {
    const auto bucket = common::text_at(config(), "bucket");
    if (!bucket) return;
    const HttpResponse listing =
        server.signed_get(fmt::format("/{}?list-type=2&max-keys=1", common::url_encode(*bucket)));
    if (listing.status == 200) return;
    if (error_code(listing.body) != "NoSuchBucket") fail_signed(server.who, listing);
    result.add({Severity::error,
                fmt::format("there is no bucket {}", *bucket),
                names.empty()
                    ? "the server has none"
                    : fmt::format("the server has {}, {} in all", names.front(), names.size()),
                fmt::format("create it: `mc mb <alias>/{}`", *bucket),
                {}});
  }

  // Keys that may not ask for this still prove a healthy server. Returns the version.
  std::string judge_server(const Server& server, Result& result) const {
    const HttpResponse response = server.signed_get("/minio/admin/v3/info");
    const auto info = response.status == 200 ? parse_info(response.body) : std::nullopt;
    if (!info) {
      common::judge_data_path(config(), result);
      return {};
    }
    if (info->drives_not_ok > 0)
      result.add({Severity::error,
                  "a drive is not ok",
                  fmt::format("{} of {} drives", info->drives_not_ok, info->drives),
                  "see the service's log (`fusebox logs`), and replace the drive",
                  {}});
    common::judge_space({info->free_bytes, info->total_bytes}, common::disk_limits(config()),
                        "the server's drives", result);
    // What `go install` builds has no release's name.
    return info->version.starts_with("DEVELOPMENT") ? std::string{} : info->version;
  }
};

}  // namespace fbx::minio

FUSEBOX_PLUGIN(fbx::minio::ProbeMinio)
