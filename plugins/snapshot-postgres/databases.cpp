// SPDX-License-Identifier: Apache-2.0
#include "databases.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "common/digest.hpp"

namespace fbx::snapshot {

namespace {

constexpr std::size_t kMaxTag = 40;
constexpr std::size_t kHash = 8;

// Held by whoever changes databases, until its session ends.
constexpr std::string_view lock = "SELECT pg_advisory_lock(1718776946) \\g /dev/null\n";

constexpr std::string_view create_sql = R"(
SELECT format('CREATE DATABASE %I TEMPLATE template0 OWNER %I ENCODING %L LC_COLLATE %L LC_CTYPE %L TABLESPACE %I',
    {0}, pg_get_userbyid(datdba), pg_encoding_to_char(encoding), datcollate, datctype, spcname)
  || CASE j->>'datlocprovider' WHEN 'c' THEN ' LOCALE_PROVIDER libc'
    WHEN 'i' THEN format(' LOCALE_PROVIDER icu ICU_LOCALE %L', coalesce(j->>'datlocale', j->>'daticulocale'))
    WHEN 'b' THEN format(' LOCALE_PROVIDER builtin BUILTIN_LOCALE %L', j->>'datlocale') ELSE '' END
  || CASE WHEN j->>'daticurules' IS NULL THEN '' ELSE format(' ICU_RULES %L', j->>'daticurules') END
  FROM pg_database d JOIN pg_tablespace t ON t.oid = dattablespace, to_jsonb(d) j WHERE datname = {1} \gexec
)";

// A setting that is a list of names is kept as SQL writes it; quoted once more, it would be one
// name.
constexpr std::string_view dress_sql = R"(
SELECT format('ALTER %s SET %I TO %s',
    CASE WHEN setrole = 0 THEN format('DATABASE %I', {0}) ELSE format('ROLE %I IN DATABASE %I', rolname, {0}) END,
    key, CASE WHEN key IN ('local_preload_libraries', 'search_path', 'session_preload_libraries', 'temp_tablespaces')
      THEN replace(value, '""', '''''') ELSE quote_literal(value) END)
  FROM pg_db_role_setting s JOIN pg_database d ON d.oid = setdatabase LEFT JOIN pg_roles r ON r.oid = setrole,
    unnest(setconfig) line, LATERAL (SELECT split_part(line, '=', 1) AS key, substr(line, strpos(line, '=') + 1) AS value) p
  WHERE datname = {1} \gexec
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC, %I', {0}, pg_get_userbyid(datdba))
  FROM pg_database WHERE datname = {1} AND datacl IS NOT NULL \gexec
SELECT format('GRANT %s ON DATABASE %I TO %s%s', privilege_type, {0}, coalesce(quote_ident(rolname), 'PUBLIC'),
    CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
  FROM pg_database d, aclexplode(datacl) LEFT JOIN pg_roles r ON r.oid = grantee WHERE datname = {1} \gexec
SELECT format('ALTER DATABASE %I CONNECTION LIMIT %s', {0}, datconnlimit)
  FROM pg_database WHERE datname = {1} AND datconnlimit >= 0 \gexec
SELECT format('COMMENT ON DATABASE %I IS %L', {0}, shobj_description(oid, 'pg_database'))
  FROM pg_database WHERE datname = {1} \gexec
)";

// A rename waits some seconds for sessions that are ending, and keeps new ones out meanwhile. One
// that came just before makes it fail, so it is tried again.
constexpr std::string_view rename_sql = R"(DO $fbx$
BEGIN
  FOR attempt IN 1..6 LOOP
    BEGIN
      PERFORM pg_stat_clear_snapshot();
      PERFORM pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IN ({}) AND pid <> pg_backend_pid();
      {}
      RETURN;
    EXCEPTION WHEN object_in_use THEN
      IF attempt = 6 THEN RAISE; END IF;
    END;
  END LOOP;
END $fbx$;
)";

std::string rename_script(const Databases::Renames& renames) {
  std::string names;
  std::string statements;
  for (const auto& [from, to] : renames) {
    names += (names.empty() ? "" : ", ") + literal(from);
    statements +=
        fmt::format("ALTER DATABASE {} RENAME TO {};\n      ", identifier(from), identifier(to));
  }
  return fmt::format(rename_sql, names, statements);
}

}  // namespace

Names::Names(std::string database, std::string_view tag) : live(std::move(database)) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (tag.empty() || tag.size() > kMaxTag || !std::all_of(tag.begin(), tag.end(), plain))
    throw Error(FBX_ARGUMENT, fmt::format("\"{}\" is no tag of a restore", tag));
  // A name is cut off at 63 bytes, and one server may hold several databases of a stack.
  common::Sha256 hash;
  hash.add(live);
  const std::string stem = fmt::format("fbx_{}_{}", tag, hash.hex().substr(0, kHash));
  partial = stem + "_partial";
  staged = stem + "_staged";
  old = stem + "_old";
  dropped = stem + "_dropped";
}

std::vector<Fields> Databases::run(const std::string& sql, std::string_view doing) const {
  return psql_->query(*op_, psql_->administrative(), std::string(lock) + sql, doing);
}

std::set<std::string> Databases::existing(const Names& names) const {
  std::string list;
  for (const auto* name : {&names.live, &names.partial, &names.staged, &names.old, &names.dropped})
    list += (list.empty() ? "" : ", ") + literal(*name);
  std::set<std::string> found;
  for (const Fields& row :
       run(fmt::format("SELECT datname FROM pg_database WHERE datname IN ({});\n", list),
           "listing databases"))
    found.insert(row.front());
  return found;
}

void Databases::create(const std::string& name, const std::string& like) const {
  run(fmt::format(create_sql, literal(name), literal(like)),
      fmt::format("creating the database {}", name));
}

void Databases::finish(const std::string& from, const std::string& to,
                       const std::string& like) const {
  run(fmt::format(dress_sql, literal(from), literal(like)) + rename_script({{from, to}}),
      fmt::format("giving {} what {} has", from, like));
}

void Databases::rename(const Renames& renames) const {
  run(rename_script(renames), fmt::format("renaming the database {}", renames.front().first));
}

void Databases::drop(const std::string& name) const {
  run(fmt::format("DROP DATABASE IF EXISTS {} WITH (FORCE);\n", identifier(name)),
      fmt::format("dropping the database {}", name));
}

Databases::Place Databases::look(const std::string& roles) const {
  const auto rows =
      run(fmt::format("SELECT (SELECT string_agg(quote_ident(role), ', ') FROM "
                      "json_array_elements_text({}) role WHERE NOT EXISTS (SELECT FROM pg_roles "
                      "WHERE rolname = role)), (SELECT setting FROM pg_settings WHERE name = "
                      "'data_directory');\n",
                      literal(roles)),
          "looking at the server");
  return {rows.at(0).at(0), rows.at(0).at(1)};
}

}  // namespace fbx::snapshot
