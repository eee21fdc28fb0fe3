// SPDX-License-Identifier: Apache-2.0
// Runs what it is told through fusebox.host.process/1 and answers with all that came back.
#include <fusebox/plugin.hpp>

#include <boost/json.hpp>

namespace {

namespace json = boost::json;

class SampleExec : public fbx::Plugin, public fbx::Step {
 public:
  explicit SampleExec(std::string_view context) {
    const json::object config = json::parse(context).at("config").as_object();
    if (const json::value* token = config.if_contains("token")) token_ = *token;
  }

  std::string plan(fbx::Op&, std::string_view) override { return "{}"; }

  std::string run(fbx::Op& op, std::string_view request) override {
    const json::value asked = json::parse(request);
    const json::object with = asked.at("with").as_object();
    json::object process{{"command", {with.at("program"), "-c", with.at("script")}},
                         {"environment", json::object{{"COLOUR", "green"}}},
                         {"unset", {"DROPPED"}}};
    if (!token_.is_null()) process["environment"].as_object()["TOKEN"] = token_;
    if (const auto* text = with.if_contains("template"))
      process["environment"].as_object()["TOKEN"] = json::object{{"$template", *text}};
    if (const auto* merge = with.if_contains("merge")) process["merge"] = *merge;
    std::string out;
    const fbx::ProcessResult ended =
        op.run_process(json::serialize(process), with.at("input").as_string(), out);
    json::object result = json::parse(ended.result_json).as_object();
    result["out"] = out;
    result["err"] = ended.err;
    return json::serialize(result);
  }

 private:
  json::value token_;
};

}  // namespace

FUSEBOX_PLUGIN(SampleExec)
