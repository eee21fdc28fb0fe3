// SPDX-License-Identifier: Apache-2.0
// The calls that plans and runs make into steps.
#pragma once

#include "plugin/host.hpp"

#include <boost/json/object.hpp>
#include <string>
#include <vector>

namespace fusebox::plan {

// Thread-safe. `request` is the object that fusebox/step.h describes. What a call throws is an
// Error with the step's own text.
class StepCaller {
 public:
  virtual ~StepCaller() = default;
  virtual boost::json::object plan(const std::string& instance, const boost::json::object& request,
                                   const plugin::CallContext& context) = 0;
  virtual boost::json::object run(const std::string& instance, const boost::json::object& request,
                                  const plugin::CallContext& context) = 0;
  virtual boost::json::object undo(const std::string& instance, const boost::json::object& request,
                                   const plugin::CallContext& context) = 0;
  // Loads the plugin and makes its instance, without any effect, when that has not happened yet.
  virtual void prepare(const std::string&, const plugin::CallContext&) {}
  // Every secret that the coming calls may ask for.
  virtual void needed_secrets(const std::vector<std::string>&) {}
};

// Calls the plugins of `host`, which outlives it. `release` is the newest one on record; each
// request gets it, unless it is empty.
class HostCaller : public StepCaller {
 public:
  explicit HostCaller(plugin::Host& host, boost::json::object release = {})
      : host_(host), release_(std::move(release)) {}
  boost::json::object plan(const std::string& instance, const boost::json::object& request,
                           const plugin::CallContext& context) override;
  boost::json::object run(const std::string& instance, const boost::json::object& request,
                          const plugin::CallContext& context) override;
  boost::json::object undo(const std::string& instance, const boost::json::object& request,
                           const plugin::CallContext& context) override;
  void prepare(const std::string& instance, const plugin::CallContext& context) override;
  void needed_secrets(const std::vector<std::string>& names) override;

 private:
  boost::json::object with_release(boost::json::object request) const;

  plugin::Host& host_;
  boost::json::object release_;
};

// The fields that plan, run and undo share. `run` is "" while planning.
struct Step;
boost::json::object step_request(const Step& step, const std::string& phase, const std::string& run,
                                 const std::vector<std::string>& secrets);

}  // namespace fusebox::plan
