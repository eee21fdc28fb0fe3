// SPDX-License-Identifier: Apache-2.0
// The binary layout of the plugin ABI: today's against every golden file under layout/. A golden
// file of a released version is never changed; today's layout must have it as a prefix. To renew
// the draft's after a deliberate change: FUSEBOX_WRITE_LAYOUT=1 sdk_layout_test.
#include "layout/layout.h"
#include "text_list.hpp"

#include <cxxabi.h>
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fusebox/host.h>
#include <fusebox/observer.h>
#include <fusebox/plugin.h>
#include <fusebox/runtime.h>
#include <fusebox/secrets.h>
#include <fusebox/snapshot.h>
#include <fusebox/step.h>
#include <fusebox/store.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <typeinfo>
#include <vector>

namespace fs = std::filesystem;

namespace {

const fs::path golden_folder = fs::path(FUSEBOX_SOURCE_DIR) / "tests/sdk/layout";
const fs::path headers = fs::path(FUSEBOX_SOURCE_DIR) / "sdk/include/fusebox";
const std::string draft = "v1.0-draft.txt";

// "void (*)(fbx_op*, int, fbx_str)", with 64-bit integers spelt the same on every platform.
template <class T>
std::string type_name() {
  const std::unique_ptr<char, decltype(&std::free)> text(
      abi::__cxa_demangle(typeid(T).name(), nullptr, nullptr, nullptr), &std::free);
  return std::regex_replace(std::string(text.get()), std::regex("long long"), "long");
}

struct Line {
  std::string name;  // of a field, constant or interface
  std::string rest;  // what must not change
};

struct Record {
  size_t size = 0;
  std::vector<Line> fields;
};

struct Layout {
  std::map<std::string, std::string> constants;
  std::map<std::string, Record> records;
};

struct TypedField {
  std::string record, field, type;
  size_t offset, size;
};

#define FBX_RECORD(r) {#r, "", "", 0, sizeof(r)},
#define FBX_FIELD(r, f) {#r, #f, type_name<decltype(r::f)>(), offsetof(r, f), sizeof(r::f)},
const std::vector<TypedField>& fields_of_cpp() {
  static const std::vector<TypedField> fields = {
#include "layout/records.inc"
  };
  return fields;
}

std::string read(const fs::path& file) {
  std::ifstream in(file);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::vector<fs::path> c_headers() {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(headers)) {
    if (entry.path().extension() == ".h") found.push_back(entry.path());
  }
  return found;
}

// Numbers and interface ids: what both sides compiled in.
std::map<std::string, std::string> constants_today() {
  std::map<std::string, std::string> found;
  const std::regex define(R"re(#define (FBX_[A-Z_]+) (?:U?INT32_C\((\w+)\)|"([^"]+)"))re");
  for (const auto& file : c_headers()) {
    const std::string text = read(file);
    for (std::sregex_iterator it(text.begin(), text.end(), define), end; it != end; ++it) {
      found[(*it)[1]] = (*it)[2].matched ? (*it)[2] : (*it)[3];
    }
  }
  found.erase("FBX_ABI_MINOR");  // the one that is there to grow
  return found;
}

Layout today() {
  Layout layout{constants_today(), {}};
  for (const auto& f : fields_of_cpp()) {
    Record& record = layout.records[f.record];
    if (f.field.empty()) {
      record.size = f.size;
    } else {
      record.fields.push_back({f.field, fmt::format("{} {} {}", f.offset, f.size, f.type)});
    }
  }
  return layout;
}

std::string print(const Layout& layout) {
  std::string text;
  for (const auto& [name, value] : layout.constants) {
    text += fmt::format("constant {} {}\n", name, value);
  }
  for (const auto& [name, record] : layout.records) {
    text += fmt::format("record {} {}\n", name, record.size);
    for (const auto& f : record.fields) text += fmt::format("  {} {}\n", f.name, f.rest);
  }
  return text;
}

Layout parse(const std::string& text) {
  Layout layout;
  Record* record = nullptr;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string kind, name, rest;
    words >> kind >> name;
    std::getline(words >> std::ws, rest);
    if (kind == "constant") {
      layout.constants[name] = rest;
    } else if (kind == "record") {
      record = &layout.records[name];
      record->size = std::stoul(rest);
    } else {
      REQUIRE(record != nullptr);
      record->fields.push_back({kind, name + " " + rest});
    }
  }
  return layout;
}

// What keeps `now` from being an extension of `released`; empty when nothing does.
std::vector<std::string> breaks(const Layout& released, const Layout& now) {
  std::vector<std::string> found;
  for (const auto& [name, value] : released.constants) {
    const auto it = now.constants.find(name);
    if (it == now.constants.end()) {
      found.push_back(fmt::format("{} is gone", name));
    } else if (it->second != value) {
      found.push_back(fmt::format("{} was {}, is {}", name, value, it->second));
    }
  }
  for (const auto& [name, old] : released.records) {
    const auto it = now.records.find(name);
    if (it == now.records.end()) {
      found.push_back(fmt::format("record {} is gone", name));
      continue;
    }
    const Record& record = it->second;
    for (size_t i = 0; i < old.fields.size(); ++i) {
      if (i >= record.fields.size()) {
        found.push_back(fmt::format("{}.{} is gone", name, old.fields[i].name));
      } else if (record.fields[i].name != old.fields[i].name ||
                 record.fields[i].rest != old.fields[i].rest) {
        found.push_back(fmt::format("{}.{} ({}) is now {} ({})", name, old.fields[i].name,
                                    old.fields[i].rest, record.fields[i].name,
                                    record.fields[i].rest));
      }
    }
    const bool can_grow = !old.fields.empty() && old.fields.front().name == "struct_size";
    if (record.fields.size() > old.fields.size() && !can_grow && name != "fbx_entry") {
      found.push_back(fmt::format("{} grew, but has no struct_size first", name));
    }
  }
  return found;
}

}  // namespace

TEST_CASE("a C compiler and a C++ compiler lay every record out alike") {
  size_t count = 0;
  const layout_field* c = layout_of_c(&count);
  const auto& cpp = fields_of_cpp();
  REQUIRE(count == cpp.size());
  for (size_t i = 0; i < count; ++i) {
    CAPTURE(cpp[i].record);
    CAPTURE(cpp[i].field);
    CHECK(c[i].offset == cpp[i].offset);
    CHECK(c[i].size == cpp[i].size);
  }
}

TEST_CASE("the table of records leaves out no record of the headers") {
  std::set<std::string> listed;
  for (const auto& f : fields_of_cpp()) listed.insert(f.record);
  const std::regex record(R"(typedef struct (\w+) \{)");
  size_t seen = 0;
  for (const auto& file : c_headers()) {
    const std::string text = read(file);
    for (std::sregex_iterator it(text.begin(), text.end(), record), end; it != end; ++it, ++seen) {
      CAPTURE(file.filename().string());
      CHECK_MESSAGE(listed.count((*it)[1]) == 1, (*it)[1].str(), " is missing in records.inc");
    }
  }
  CHECK(seen == listed.size());
}

TEST_CASE("the table of records leaves out no field: sizes add up, for no record has padding") {
  const Layout layout = today();
  for (const auto& entry : layout.records) {
    const std::string& name = entry.first;
    const Record& record = entry.second;
    size_t sum = 0;
    for (const auto& f : fields_of_cpp()) {
      if (f.record == name && !f.field.empty()) sum += f.size;
    }
    CHECK_MESSAGE(sum == record.size, name, ": a field is missing in records.inc");
  }
}

TEST_CASE("today's layout extends every released layout, and equals the draft's") {
  if (sizeof(void*) != 8) {
    MESSAGE("the golden files are those of a 64-bit machine; nothing to compare here");
    return;
  }
  const std::string now = print(today());
  if (std::getenv("FUSEBOX_WRITE_LAYOUT") != nullptr) std::ofstream(golden_folder / draft) << now;
  size_t seen = 0;
  for (const auto& entry : fs::directory_iterator(golden_folder)) {
    if (entry.path().extension() != ".txt") continue;
    ++seen;
    CAPTURE(entry.path().filename().string());
    const std::string golden = read(entry.path());
    if (entry.path().filename() == draft)
      CHECK(now == golden);
    else
      CHECK(breaks(parse(golden), today()) == std::vector<std::string>{});
  }
  CHECK(seen > 0);
}

TEST_CASE("the prefix rule lets a record grow at its tail and nothing else") {
  const std::string before =
      "constant FBX_OK 0\nrecord r 16\n  struct_size 0 4 unsigned int\n  a 4 4 int\n  b 8 8 int*\n";
  const auto problems = [&](const std::string& after) {
    return breaks(parse(before), parse(after));
  };
  using Texts = std::vector<std::string>;

  CHECK(print(parse(before)) == before);
  CHECK(problems(before) == Texts{});
  CHECK(problems(before + "  c 16 8 long\n") == Texts{});
  CHECK(problems("record r 4\n  struct_size 0 4 unsigned int\n") ==
        Texts{"FBX_OK is gone", "r.a is gone", "r.b is gone"});
  CHECK(problems("constant FBX_OK 1\n") == Texts{"FBX_OK was 0, is 1", "record r is gone"});
  CHECK(problems(
            "constant FBX_OK 0\nrecord r 16\n  struct_size 0 4 unsigned int\n  a 4 4 unsigned int\n"
            "  b 8 8 int*\n") == Texts{"r.a (4 4 int) is now a (4 4 unsigned int)"});
  CHECK(breaks(parse("record s 8\n  ptr 0 8 char*\n"),
               parse("record s 16\n  ptr 0 8 char*\n  len 8 8 long\n")) ==
        Texts{"s grew, but has no struct_size first"});
}
