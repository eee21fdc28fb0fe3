# Every package that is not ours, found once. README.md says what each is for.

if(APPLE) # Homebrew does not link what macOS has in an older version
  execute_process(COMMAND brew --prefix OUTPUT_VARIABLE brew OUTPUT_STRIP_TRAILING_WHITESPACE)
  foreach(keg IN ITEMS libarchive libpq openssl@3)
    list(APPEND CMAKE_PREFIX_PATH ${brew}/opt/${keg})
  endforeach()
endif()

set(Boost_NO_WARN_NEW_VERSIONS ON)
find_package(Boost 1.81 REQUIRED COMPONENTS json program_options filesystem)
find_package(fmt REQUIRED)
find_package(LibArchive REQUIRED)
find_package(CURL REQUIRED)
find_package(PostgreSQL REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(hiredis REQUIRED IMPORTED_TARGET hiredis)
pkg_check_modules(tomlplusplus REQUIRED IMPORTED_TARGET tomlplusplus)
pkg_check_modules(re2 REQUIRED IMPORTED_TARGET re2)
pkg_check_modules(hyperscan IMPORTED_TARGET libhs) # or Vectorscan; scans are slower without it
if(FUSEBOX_TESTS)
  find_package(doctest REQUIRED)
endif()
