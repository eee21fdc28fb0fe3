// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cstdint>
#include <string_view>

#include "engine/chunks.hpp"

namespace fusebox::scan {

namespace {

using namespace std::string_view_literals;

// Bytes at a place, in a file that is longer than `shortest`.
struct Magic {
  std::string_view bytes;
  std::size_t at = 0;
  std::size_t shortest = 0;
};

constexpr std::array kMagics = {
    // programs
    Magic{"\0asm\1\0\0\0"sv},
    Magic{"\x7F"
          "ELF"sv,
          0, 53},
    Magic{"MZ"sv},
    Magic{"NES\x1A"sv},
    Magic{"\xFE\xED\xFA\xCF"sv},
    Magic{"\xFE\xED\xFA\xCE"sv},
    Magic{"\xBE\xBA\xFE\xCA"sv},
    Magic{"\xCF\xFA\xED\xFE"sv},
    Magic{"\xCE\xFA\xED\xFE"sv},
    Magic{"\xCA\xFE\xBA\xBE"sv},
    Magic{"CWS"sv},
    Magic{"FWS"sv},
    Magic{"Cr24"sv},
    // archives
    Magic{"ustar"sv, 257},
    Magic{"Rar!\x1A\7\0"sv},
    Magic{"Rar!\x1A\7\1"sv},
    Magic{"\x1F\x8B\x08"sv},
    Magic{"BZh"sv},
    Magic{"7z\xBC\xAF\x27\x1C"sv},
    Magic{"\xFD"
          "7zXZ\0"sv},
    Magic{"\x28\xB5\x2F\xFD"sv},
    Magic{"MSCF"sv},
    Magic{"ISc("sv},
    Magic{"!<arch>"sv},
    Magic{"\x1F\xA0"sv},
    Magic{"\x1F\x9D"sv},
    Magic{"LZIP"sv},
    Magic{"\xED\xAB\xEE\xDB"sv, 0, 97},
    Magic{"CD001"sv, 32769},
    // documents and data
    Magic{"%PDF"sv},
    Magic{"%!"sv},
    Magic{"{\\rtf"sv},
    Magic{"SQLi"sv},
    Magic{"DICM"sv, 128},
    // fonts
    Magic{"wOFF\0\1\0\0"sv},
    Magic{"wOF2\0\1\0\0"sv},
    Magic{"\0\1\0\0\0"sv},
    Magic{"OTTO\0"sv},
};

bool has(std::string_view head, std::string_view bytes, std::size_t at = 0) {
  return head.size() >= at + bytes.size() && head.substr(at, bytes.size()) == bytes;
}

bool is_zip(std::string_view head) {
  return has(head, "PK"sv) && head.size() > 3 &&
         "\3\5\7"sv.find(head[2]) != std::string_view::npos &&
         "\4\6\x8"sv.find(head[3]) != std::string_view::npos;
}

// An old office document: by its second header where that is within reach.
bool is_compound(std::string_view head) {
  if (!has(head, "\xD0\xCF\x11\xE0"sv)) return false;
  return head.size() <= 513 || has(head, "\xEC\xA5"sv, 512) || has(head, "\x09\x08"sv, 512) ||
         has(head, "\xA0\x46"sv, 512);
}

bool is_embedded_font(std::string_view head) {
  return has(head, "LP"sv, 34) &&
         (has(head, "\2\0\1"sv, 8) || has(head, "\1\0\0"sv, 8) || has(head, "\2\0\2"sv, 8));
}

bool is_dalvik(std::string_view head) {
  const auto is_dex = [](std::string_view text) {
    return has(text, "dex\n"sv) && has(text, "p"sv, 36);
  };
  return is_dex(head) || (head.size() > 100 && has(head, "dey\n"sv) && is_dex(head.substr(40, 60)));
}

std::uint32_t little_endian(std::string_view bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = 4; i-- > 0;) value = value << 8U | static_cast<unsigned char>(bytes[i]);
  return value;
}

// Zstandard may begin with frames that are to be skipped.
bool is_zstd(std::string_view head) {
  while (head.size() >= 8 && (little_endian(head) & 0xFFFFFFF0U) == 0x184D2A50U) {
    const std::size_t length = std::size_t{8} + little_endian(head.substr(4));
    if (head.size() < length) return false;
    head.remove_prefix(length);
    if (has(head, "\x28\xB5\x2F\xFD"sv)) return true;
  }
  return false;
}

// A picture or a sound that begins so may have an archive's mark further on; the first word counts.
bool is_media(std::string_view head) {
  constexpr std::array starts = {"\xFF\xD8\xFF"sv,
                                 "\x89PNG"sv,
                                 "GIF"sv,
                                 "BM"sv,
                                 "II*\0"sv,
                                 "MM\0*"sv,
                                 "8BPS"sv,
                                 "ID3"sv,
                                 "OggS"sv,
                                 "fLaC"sv,
                                 "\x1A\x45\xDF\xA3"sv,
                                 "RIFF"sv};
  for (const std::string_view start : starts)
    if (has(head, start)) return true;
  return has(head, "ftyp"sv, 4);
}

}  // namespace

bool is_binary(std::string_view head) {
  if (is_dalvik(head)) return true;
  if (is_media(head)) return false;
  for (const Magic& magic : kMagics)
    if (head.size() >= magic.shortest && has(head, magic.bytes, magic.at)) return true;
  return is_zip(head) || is_compound(head) || is_embedded_font(head) || is_zstd(head);
}

}  // namespace fusebox::scan
