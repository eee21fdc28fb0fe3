// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "check.hpp"
#include "common/json.hpp"
#include "common/result.hpp"
#include "common/store/folder_store.hpp"
#include "drive.hpp"
#include "monitor.hpp"
#include "sync.hpp"

namespace fbx::external {

class BackupExternal final : public Plugin, public Step, public store::FolderStore {
 public:
  explicit BackupExternal(std::string_view text) : BackupExternal(common::parse_context(text)) {}

  std::string plan(Op& op, std::string_view text) override {
    const auto request = common::parse_step_request(text);
    if (request.verb == "sync") return plan_sync(op, {context_, drive_});
    common::Result result;
    if (request.verb == "init") {
      drive_.require_preparable();
      result.action(fmt::format("write a marker to {}", drive_.path().string()));
    } else if (request.verb == "monitor") {
      result.action(fmt::format("wait for the drive at {}, and sync", drive_.path().string()));
    } else {
      result.action("judge the age of the last good copy");
    }
    return result.json();
  }

  std::string run(Op& op, std::string_view text) override {
    const auto request = common::parse_step_request(text);
    const SyncContext context{context_, drive_};
    if (request.verb == "sync") return sync(op, context);
    if (request.verb == "monitor") return monitor(op, context, request.with);
    if (request.verb == "check") return check(context);
    if (request.verb == "init") return init();
    throw Error(FBX_UNSUPPORTED, fmt::format("there is no verb \"{}\"", request.verb));
  }

  // A drive that went away has no generation of ours, whatever its folder took.
  std::string commit(Op& op, std::string_view text) override {
    std::string answer = FolderStore::commit(op, text);
    const auto name = common::need_text(common::parse_object(answer, "the answer"), "generation");
    store::Generations(open_root(op, store::Use::read)).find(name);
    return answer;
  }

 protected:
  common::Folder open_root(const Op&, store::Use use) const override {
    const Held drive = drive_.open();
    if (use == store::Use::read) return drive.folder.subfolder_if_there(context_.stack);
    drive.require_writable();
    return drive.folder.make_subfolder(context_.stack);
  }

 private:
  explicit BackupExternal(const common::Context& context)
      : FolderStore(store::folder_settings(context, common::need_text(context.config, "path"))),
        context_(context),
        drive_(context) {}

  std::string init() const {
    const auto prepared = drive_.prepare();
    common::Result result;
    result.changed(prepared.changed);
    result.summary(fmt::format("{} {} as the drive {} of {}",
                               prepared.changed ? "prepared" : "already prepared:",
                               described(prepared.volume), prepared.marker.id, context_.stack));
    if (prepared.volume.uuid.empty())
      result.add({common::Severity::warning, "the system tells no UUID of its file system",
                  described(prepared.volume),
                  "it is known by its marker and by being mounted alone", drive_.path().string()});
    result.artifact("marker", (drive_.path() / ".fusebox-drive").string());
    return result.json();
  }

  common::Context context_;
  Drive drive_;
};

}  // namespace fbx::external

FUSEBOX_PLUGIN(fbx::external::BackupExternal)
