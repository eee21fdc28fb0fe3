// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "common/json.hpp"
#include "common/result.hpp"
#include "create.hpp"
#include "freshness.hpp"
#include "portable.hpp"
#include "prune.hpp"
#include "restore.hpp"
#include "verify.hpp"

namespace fbx::backup {

class Backup final : public Plugin, public Step {
 public:
  explicit Backup(std::string_view text) : context_(common::parse_context(text)) {}

  std::string plan(Op& op, std::string_view text) override {
    const auto request = common::parse_step_request(text);
    if (request.verb == "create") return plan_create(op, context_, request);
    if (request.verb == "prune") return plan_prune(op, context_);
    if (is_restore_verb(request.verb)) return plan_restore(op, request);
    if (request.verb == "export") return plan_export(request);
    if (request.verb == "import") return plan_import(request);
    common::Result result;
    if (request.verb == "verify")
      result.action(fmt::format("read and open every file of generation {}",
                                common::text_at(request.with, "generation").value_or("latest")));
    return result.json();
  }

  std::string run(Op& op, std::string_view text) override {
    const auto request = common::parse_step_request(text);
    if (request.verb == "create") return create(op, context_, request, release_of(text));
    if (request.verb == "verify") return verify(op, request);
    if (request.verb == "prune") return prune(op, context_);
    if (request.verb == "check") return check_freshness(op, context_);
    if (is_restore_verb(request.verb)) return run_restore(op, context_, request);
    if (request.verb == "export") return export_generation(op, request);
    if (request.verb == "import") return import_archive(op, context_, request);
    throw Error(FBX_UNSUPPORTED, fmt::format("there is no verb \"{}\"", request.verb));
  }

  // A generation that was written stays: it is whole, and harms nobody. One that was not is no
  // generation, and the store's next begin() removes what is left of it.
  std::string undo(Op& op, std::string_view text) override {
    const auto request = common::parse_step_request(text);
    if (is_restore_verb(request.verb)) {
      const auto whole = common::parse_object(text, "the request");
      return undo_restore(op, context_, request, common::object_at(whole, "result") != nullptr);
    }
    common::Result result;
    result.summary("nothing to take back: a generation that was written stays");
    result.changed(false);
    return result.json();
  }

 private:
  static common::json::object release_of(std::string_view text) {
    const auto request = common::parse_object(text, "the request");
    const auto* release = common::object_at(request, "release");
    return release == nullptr ? common::json::object{} : *release;
  }
  common::Context context_;
};

}  // namespace fbx::backup

FUSEBOX_PLUGIN(fbx::backup::Backup)
