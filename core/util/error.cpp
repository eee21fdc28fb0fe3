// SPDX-License-Identifier: Apache-2.0
#include "util/error.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <system_error>

namespace fusebox {

namespace {

Errc errc_of(int errnum) {
  switch (errnum) {
    case ENOENT:
    case ENOTDIR:
    case ESRCH:
    case ENXIO:
    case ENODEV:
      return Errc::not_found;
    case EACCES:
    case EPERM:
    case EROFS:
      return Errc::denied;
    case EAGAIN:
    case EBUSY:
    case ECONNREFUSED:
    case ECONNRESET:
    case ECONNABORTED:
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
      return Errc::unavailable;
    case ETIMEDOUT:
      return Errc::timeout;
    case ECANCELED:
      return Errc::cancelled;
    case EEXIST:
    case EADDRINUSE:
    case ENOTEMPTY:
      return Errc::conflict;
    case ENOMEM:
      return Errc::nomem;
    case EINVAL:
    case ENAMETOOLONG:
    case EISDIR:
    case E2BIG:
      return Errc::argument;
    default:
      return Errc::io;
  }
}

}  // namespace

std::string_view to_string(Errc code) {
  switch (code) {
    case Errc::argument:
      return "argument";
    case Errc::config:
      return "config";
    case Errc::unsupported:
      return "unsupported";
    case Errc::not_found:
      return "not_found";
    case Errc::denied:
      return "denied";
    case Errc::unavailable:
      return "unavailable";
    case Errc::timeout:
      return "timeout";
    case Errc::cancelled:
      return "cancelled";
    case Errc::conflict:
      return "conflict";
    case Errc::io:
      return "io";
    case Errc::nomem:
      return "nomem";
    case Errc::internal:
      return "internal";
    case Errc::failed:
      return "failed";
    case Errc::skipped:
      return "skipped";
    case Errc::refused:
      return "refused";
  }
  return "internal";
}

Error system_error(std::string_view call, std::string_view object, int errnum, std::string hint) {
  return Error(
      errc_of(errnum),
      fmt::format("cannot {} {}: {}", call, object, std::generic_category().message(errnum)),
      std::move(hint));
}

}  // namespace fusebox
