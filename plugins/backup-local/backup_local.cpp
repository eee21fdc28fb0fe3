// SPDX-License-Identifier: Apache-2.0
#include "common/json.hpp"
#include "common/store/folder_store.hpp"

namespace fbx::store {

class BackupLocal final : public Plugin, public FolderStore {
 public:
  explicit BackupLocal(std::string_view text) : BackupLocal(common::parse_context(text)) {}

 private:
  explicit BackupLocal(const common::Context& context)
      : FolderStore(folder_settings(context, common::need_text(context.config, "folder"))) {}
};

}  // namespace fbx::store

FUSEBOX_PLUGIN(fbx::store::BackupLocal)
