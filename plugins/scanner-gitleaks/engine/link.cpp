// SPDX-License-Identifier: Apache-2.0
#include "engine/link.hpp"

#include <fmt/format.h>

#include <array>
#include <regex>
#include <utility>

#include "engine/utf8_text.hpp"

namespace fusebox::scan {

namespace {

std::string cleaned(std::string_view path) {
  std::string out;
  for (const char c : path) {
    if (c == ' ') {
      out += "%20";
    } else if (c == '%') {
      out += "%25";
    } else {
      out += c;
    }
  }
  return out;
}

bool is_rendered(const std::string& path) {
  const std::string lower = ascii_lower(path);
  return lower.ends_with(".md") || lower.ends_with(".ipynb");
}

// How a platform spells a place.
struct Spelling {
  std::string_view platform;
  std::string_view file;   // between the address and the commit
  std::string_view path;   // between the commit and the path
  std::string_view plain;  // asks for the source of what is shown rendered
  std::string_view line;
  std::string_view end;  // before the last line
  std::string_view closing;
};

constexpr std::array<Spelling, 5> kSpellings = {{
    {"github", "/blob/", "/", "?plain=1", "#L", "-L", ""},
    {"gitlab", "/blob/", "/", "", "#L", "-", ""},
    {"azuredevops", "/commit/", "?path=/", "", "&line=", "&lineEnd=",
     "&lineStartColumn=1&lineEndColumn=10000000&type=2&lineStyle=plain&_a=files"},
    {"gitea", "/src/commit/", "/", "?display=source", "#L", "-L", ""},
    {"bitbucket", "/src/", "/", "", "#lines-", ":", ""},
}};

std::string link_to(const Finding& finding, const Remote& remote) {
  for (const Spelling& spelling : kSpellings) {
    if (spelling.platform != remote.platform) continue;
    const std::size_t inner = finding.file.find('!');
    const std::string path = cleaned(finding.file.substr(0, inner));
    std::string link =
        fmt::format("{}{}{}{}{}", remote.url, spelling.file, finding.commit, spelling.path, path);
    if (inner != std::string::npos) return link;
    if (is_rendered(path)) link += spelling.plain;
    if (finding.start_line != 0) link += fmt::format("{}{}", spelling.line, finding.start_line);
    if (finding.end_line != finding.start_line)
      link += fmt::format("{}{}", spelling.end, finding.end_line);
    return link + std::string(spelling.closing);
  }
  return "";
}

std::string platform_of(std::string_view host) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 8> known = {
      {{"github.com", "github"},
       {"gitlab.com", "gitlab"},
       {"dev.azure.com", "azuredevops"},
       {"visualstudio.com", "azuredevops"},
       {"gitea.com", "gitea"},
       {"code.forgejo.org", "gitea"},
       {"codeberg.org", "gitea"},
       {"bitbucket.org", "bitbucket"}}};
  const std::string lower = ascii_lower(host);
  for (const auto& [name, platform] : known)
    if (lower == name) return std::string(platform);
  return "";
}

}  // namespace

void describe_commit(Finding& finding, const Fragment& fragment, const Remote* remote) {
  if (fragment.commit == nullptr) return;
  const CommitInfo& commit = *fragment.commit;
  finding.commit = commit.sha;
  finding.author = commit.author;
  finding.email = commit.email;
  finding.date = commit.date;
  finding.message = commit.message;
  if (remote != nullptr && !finding.commit.empty()) finding.link = link_to(finding, *remote);
}

Remote parse_remote(std::string_view text, std::string_view platform) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' '))
    text.remove_suffix(1);
  std::string url(text);
  static const std::regex ssh(R"(^git@([a-zA-Z0-9.-]+):(?:\d{1,5}/)?([\w/.-]+?)(?:\.git)?$)");
  std::smatch parts;
  if (std::regex_match(url, parts, ssh))
    url = fmt::format("https://{}/{}", parts[1].str(), parts[2].str());
  if (url.ends_with(".git")) url.resize(url.size() - 4);
  const std::size_t scheme = url.find("://");
  if (scheme == std::string::npos) return {};
  const std::size_t begin = scheme + 3;
  std::size_t end = std::min(url.find('/', begin), url.size());
  // No name or password of the remote's goes into a report.
  if (const std::size_t user = url.rfind('@', end); user != std::string::npos && user > begin) {
    url.erase(begin, user + 1 - begin);
    end -= user + 1 - begin;
  }
  std::string host = url.substr(begin, end - begin);
  host.resize(std::min(host.find(':'), host.size()));
  return {platform.empty() ? platform_of(host) : std::string(platform), url};
}

}  // namespace fusebox::scan
