// SPDX-License-Identifier: Apache-2.0
#include "common/compose/pull.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "common/compose/lifecycle.hpp"
#include "common/compose/lock_file.hpp"
#include "common/compose/project.hpp"
#include "common/result.hpp"

namespace fbx::compose {

namespace {

// The digest under which the registry knows an image of that name; empty when none does.
std::string digest_of(const docker::Image& image, const Reference& reference) {
  for (const std::string& text : image.digests) {
    const Reference known = parse_reference(text);
    if (same_image(known.name, reference.name)) return known.digest;
  }
  return {};
}

ImagePlan::Kind kind_of(const std::optional<docker::Image>& image, const Reference& reference) {
  if (!image) return ImagePlan::Kind::fetch;
  if (!reference.digest.empty()) return ImagePlan::Kind::present;
  return digest_of(*image, reference).empty() ? ImagePlan::Kind::local : ImagePlan::Kind::fetch;
}

// The names in the lock file whose image got a digest, with their new values.
std::map<std::string, std::string> new_digests(Project& project, const LockFile& lock,
                                               const std::vector<ImagePlan>& plans) {
  std::map<std::string, std::string> values;
  for (const LockEntry& entry : lock.entries) {
    const Reference reference = parse_reference(entry.value);
    const bool is_used = std::any_of(plans.begin(), plans.end(), [&](const ImagePlan& plan) {
      return plan.image == entry.value;
    });
    if (!is_used || !reference.digest.empty()) continue;
    const auto image = project.engine().image(entry.value);
    if (!image) continue;
    if (const std::string digest = digest_of(*image, reference); !digest.empty())
      values[entry.name] = fmt::format("{}@{}", entry.value, digest);
  }
  return values;
}

// How many names were locked. A scratch leaves the live stack's file as it is.
std::size_t lock_digests(Project& project, const std::vector<ImagePlan>& plans) {
  const auto& file = project.settings().versions;
  if (!file || project.settings().is_scratch()) return 0;
  const std::string before = read_text(*file);
  const auto values = new_digests(project, parse_lock(before, file->string()), plans);
  if (values.empty()) return 0;
  const std::string after = with_values(before, values);
  project.op().checkpoint(json::serialize(
      json::object{{checkpoint::lock_text, json::object{{"before", before}, {"after", after}}}}));
  write_atomically(*file, after);
  for (const auto& [name, value] : values)
    project.op().log(Level::info, fmt::format("locked {}={}", name, value));
  return values.size();
}

}  // namespace

std::vector<ImagePlan> plan_images(Project& project, const std::vector<std::string>& services) {
  std::vector<ImagePlan> plans;
  for (const std::string& name : services) {
    const ServiceModel* service = project.model().find(name);
    if (service == nullptr || service->image.empty() || service->is_built) continue;
    const auto known = std::find_if(plans.begin(), plans.end(), [&](const ImagePlan& plan) {
      return plan.image == service->image;
    });
    if (known != plans.end()) {
      known->services.push_back(name);
      continue;
    }
    plans.push_back(
        {service->image,
         {name},
         kind_of(project.engine().image(service->image), parse_reference(service->image))});
  }
  return plans;
}

json::object pull(Project& project, const std::vector<std::string>& wanted) {
  project.start_engine();
  const Model& model = project.model();
  if (const std::string skew = version_skew(project.settings(), model); !skew.empty())
    throw Error(FBX_CONFIG, skew, "give them the same tag in the versions file");
  const auto services = model.with_dependencies(wanted);
  const auto plans = plan_images(project, services);
  common::Result result;
  std::vector<std::string> arguments{"pull", "--ignore-buildable"};
  std::size_t fetched = 0;
  for (const ImagePlan& plan : plans) {
    if (plan.kind == ImagePlan::Kind::local)
      result.add(
          {common::Severity::info,
           fmt::format("{} was made on this machine, so it has no digest to lock", plan.image), "",
           "", fmt::format("{}", fmt::join(plan.services, ", "))});
    if (plan.kind != ImagePlan::Kind::fetch) continue;
    ++fetched;
    arguments.push_back(plan.services.front());
  }
  if (fetched > 0) project.cli().effect(arguments, Values::placeholders);
  const std::size_t locked = lock_digests(project, plans);
  std::string summary = fetched == 0
                            ? fmt::format("all {} images are here", plans.size())
                            : fmt::format("fetched {} of {} images", fetched, plans.size());
  if (locked > 0) summary += fmt::format(", locked {} by digest", locked);
  result.summary(std::move(summary)).changed(fetched > 0 || locked > 0);
  return common::parse_object(result.json(), "the result");
}

json::object versions(Project& project, const json::object& release) {
  const json::object* recorded = common::object_at(release, "release");
  const Model model = model_for_question(project.op(), project.settings());
  const auto now = project.survey();
  common::Result result;
  json::array table;
  std::size_t running = 0;
  for (const ServiceModel& service : model.services) {
    const auto it = now.find(service.name);
    const docker::ContainerDetails* container =
        it == now.end() || it->second.empty() ? nullptr : &it->second.front();
    json::object line{{"service", service.name}, {"locked", service.image}};
    if (container != nullptr && container->running()) {
      ++running;
      line["running"] = container->summary.image;
      line["image_id"] = container->summary.image_id;
    }
    if (recorded != nullptr)
      if (const auto text = common::text_at(*recorded, service.name + ".image"))
        line["recorded"] = *text;
    const auto shown = [&](std::string_view key) {
      return common::text_at(line, key).value_or("-");
    };
    result.action(fmt::format("{}: locked {}, running {}, recorded {}", service.name,
                              shown("locked"), shown("running"), shown("recorded")));
    if (line.contains("running") && !service.image.empty() &&
        !same_image(container->summary.image, service.image))
      result.add({common::Severity::error,
                  fmt::format("{} runs another image than the files name", service.name),
                  fmt::format("running {}, locked {}", container->summary.image, service.image),
                  "`fusebox deploy` brings up what is locked", service.name});
    table.push_back(std::move(line));
  }
  if (const std::string skew = version_skew(project.settings(), model); !skew.empty())
    result.add(
        {common::Severity::error, skew, "", "give them the same tag in the versions file", ""});
  result.summary(fmt::format("{} of {} services run", running, model.services.size()));
  json::object answer = common::parse_object(result.json(), "the result");
  answer["versions"] = std::move(table);
  return answer;
}

}  // namespace fbx::compose
