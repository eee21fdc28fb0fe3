// SPDX-License-Identifier: Apache-2.0
// The parsers of captured streams: fed in pieces of every size, and with what is damaged.
#include "snapshot-postgres/copy_counter.hpp"
#include "snapshot-redis/rdb.hpp"

#include <doctest/doctest.h>

#include <string>

using fbx::snapshot::CopyCounter;
using fbx::snapshot::RdbReader;

namespace {

const std::string sql =
    "SET statement_timeout = 0;\n"
    "COPY public.users (id, name) FROM stdin;\n"
    "1\tCOPY public.fake (id) FROM stdin;\n"
    "2\t\\\\.\n"
    "\\.\n"
    "COPY public.\"odd name\" (id) FROM stdin;\n"
    "\\.\n"
    "COPY public.\"odd name\" (id) FROM stdin;\n"
    "7\n"
    "\\.\n"
    "SELECT 1;\n";

// An RDB file of Redis 7: one auxiliary field, database 0 with `keys` keys, two of which
// expire (only the head counts).
std::string rdb_file(int keys) {
  std::string body = "REDIS0010";
  body += std::string(
      "\xfa\x09redis-ver\x06"
      "7.0.15",
      18);
  body += std::string("\xfa\x0aredis-bits\xc0\x40", 14);
  body += std::string("\xfe\x00\xfb", 3) + static_cast<char>(keys) + '\x02';
  body += std::string(100, 'k');
  body += '\xff';
  const std::uint64_t sum = fbx::snapshot::crc64(0, body);
  for (int i = 0; i < 8; ++i) body += static_cast<char>(sum >> (8 * i));
  return body;
}

struct Read {
  std::string problem;
  std::string out;
  std::int64_t keys = -1;
  std::int64_t lasting = -1;
  std::string version;
};

Read read_rdb(const std::string& file, std::size_t piece) {
  Read read;
  RdbReader reader([&](std::string_view bytes) { read.out += bytes; });
  for (std::size_t at = 0; at < file.size(); at += piece) reader.add(file.substr(at, piece));
  read.problem = reader.finish();
  if (const auto keys = reader.keys()) {
    read.keys = keys->all;
    read.lasting = keys->lasting();
  }
  read.version = reader.version();
  return read;
}

}  // namespace

TEST_CASE("rows are counted by table, however the stream is cut") {
  for (std::size_t piece = 1; piece <= sql.size(); ++piece) {
    CopyCounter counter;
    for (std::size_t at = 0; at < sql.size(); at += piece) counter.add(sql.substr(at, piece));
    CAPTURE(piece);
    CHECK(counter.rows("public.users") == 2);
    CHECK(counter.rows("public.\"odd name\"") == 1);
    CHECK(counter.rows("public.fake") == 0);
    CHECK(counter.total() == 3);
    CHECK(counter.tables() == 2);
  }
}

TEST_CASE("the checksum is the one that Redis computes") {
  CHECK(fbx::snapshot::crc64(0, "123456789") == 0xe9c6d914c4b8d9caULL);
}

TEST_CASE("an RDB file is whole with and without the mark that redis-cli leaves behind it") {
  const std::string file = rdb_file(5);
  for (const std::string& mark : {std::string(), std::string(40, 'a')}) {
    for (std::size_t piece = 1; piece < file.size() + 60; piece += 7) {
      const Read read = read_rdb(file + mark, piece);
      CAPTURE(piece);
      CHECK(read.problem == "");
      CHECK(read.out == file);
      CHECK(read.keys == 5);
      CHECK(read.lasting == 3);
      CHECK(read.version == "7.0.15");
    }
  }
}

TEST_CASE("an RDB file that was cut off or changed anywhere is none") {
  const std::string file = rdb_file(5);
  for (std::size_t size = 0; size < file.size(); ++size)
    CHECK(read_rdb(file.substr(0, size), 64).problem != "");
  for (std::size_t at = 0; at < file.size(); ++at) {
    std::string changed = file;
    changed[at] = static_cast<char>(changed[at] ^ 4);
    CAPTURE(at);
    CHECK(read_rdb(changed, 64).problem != "");
  }
}
