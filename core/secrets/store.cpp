// SPDX-License-Identifier: Apache-2.0
#include "secrets/store.hpp"

#include "secrets/store_impl.hpp"

namespace fusebox::secrets {

std::shared_ptr<const Matcher> Store::Impl::matcher() {
  const std::lock_guard guard(mutex);
  if (!cached) {
    std::vector<std::shared_ptr<const Secret>> all;
    all.reserve(secrets.size());
    for (const auto& [name, secret] : secrets) all.push_back(secret);
    cached = std::make_shared<const Matcher>(heap, std::move(all));
  }
  return cached;
}

Store::Store() : impl_(std::make_unique<Impl>()) {
  impl_->heap.allocate(1);  // so that locked() tells the truth from the start
}

Store::~Store() = default;

void Store::put(std::string_view name, std::string_view value) {
  auto secret = make_secret(impl_->heap, name, value);
  const std::lock_guard guard(impl_->mutex);
  impl_->cached.reset();
  impl_->secrets.insert_or_assign(std::string(name), std::move(secret));
}

bool Store::contains(std::string_view name) const {
  const std::lock_guard guard(impl_->mutex);
  return impl_->secrets.find(name) != impl_->secrets.end();
}

std::vector<std::string> Store::names() const {
  const std::lock_guard guard(impl_->mutex);
  std::vector<std::string> names;
  names.reserve(impl_->secrets.size());
  for (const auto& [name, secret] : impl_->secrets) names.push_back(name);
  return names;
}

bool Store::with(std::string_view name, const std::function<void(std::string_view)>& use) const {
  std::shared_ptr<const Secret> secret;
  {
    const std::lock_guard guard(impl_->mutex);
    const auto it = impl_->secrets.find(name);
    if (it == impl_->secrets.end()) return false;
    secret = it->second;
  }
  use(secret->view());
  return true;
}

bool Store::locked() const { return impl_->heap.locked(); }

}  // namespace fusebox::secrets
