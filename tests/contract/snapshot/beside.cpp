// SPDX-License-Identifier: Apache-2.0
#include "beside.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <vector>

namespace fusebox::test {

namespace {

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> list;
  for (std::string& text : texts) list.push_back(text.data());
  list.push_back(nullptr);
  return list;
}

}  // namespace

int run_beside(std::string_view request, int in, int out, int err,
               const std::map<std::string, std::string>& environment,
               const std::map<std::string, std::string>& secrets) {
  const boost::json::value asked = boost::json::parse(request);
  std::vector<std::string> words;
  for (const auto& word : asked.at("command").as_array()) words.emplace_back(word.as_string());
  std::map<std::string, std::string> all = environment;
  all.emplace("PATH", std::getenv("PATH"));
  for (const auto& [key, value] : asked.at("environment").as_object())
    all[std::string(key)] = value.is_string()
                                ? std::string(value.get_string())
                                : secrets.at(std::string(value.at("$secret").as_string()));
  std::vector<std::string> variables;
  for (const auto& [key, value] : all) variables.push_back(key + "=" + value);
  std::vector<char*> argv = pointers(words);
  std::vector<char*> envp = pointers(variables);
  const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(in < 0 ? nothing : in, 0);
    ::dup2(out < 0 ? nothing : out, 1);
    ::dup2(err < 0 ? nothing : err, 2);
    ::execvpe(argv[0], argv.data(), envp.data());
    ::_exit(127);
  }
  ::close(nothing);
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace fusebox::test
