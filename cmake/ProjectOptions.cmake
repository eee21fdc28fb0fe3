# How everything of ours is compiled. Attached to targets through fusebox_options.

option(FUSEBOX_TESTS "Build the tests" OFF)
option(FUSEBOX_FUZZ "Build the libFuzzer targets (needs clang)" OFF)
option(FUSEBOX_WERROR "Treat warnings as errors" OFF)
option(FUSEBOX_COVERAGE "Instrument for line coverage" OFF)
set(FUSEBOX_SANITIZE "" CACHE STRING "Sanitizers, e.g. address,undefined or thread")

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

add_library(fusebox_options INTERFACE)
target_compile_options(fusebox_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion
  -Wimplicit-fallthrough -fstack-protector-strong
  $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor> $<$<COMPILE_LANGUAGE:CXX>:-Wold-style-cast>)
if(FUSEBOX_WERROR)
  target_compile_options(fusebox_options INTERFACE -Werror)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Debug")
  # -g1 keeps line numbers in backtraces at a third of the build time and disk of -g.
  set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g1")
  set(CMAKE_C_FLAGS_DEBUG "-O0 -g1")
endif()
# Nothing here gains from -O3 but the time it takes to compile.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
set(CMAKE_C_FLAGS_RELEASE "-O2 -DNDEBUG")
if(FUSEBOX_SANITIZE)
  target_compile_options(fusebox_options INTERFACE -fsanitize=${FUSEBOX_SANITIZE} -fno-omit-frame-pointer
    -fno-sanitize-recover=all)
  target_link_options(fusebox_options INTERFACE -fsanitize=${FUSEBOX_SANITIZE})
endif()
if(FUSEBOX_COVERAGE)
  target_compile_options(fusebox_options INTERFACE --coverage)
  target_link_options(fusebox_options INTERFACE --coverage)
endif()
if(FUSEBOX_FUZZ)
  target_compile_options(fusebox_options INTERFACE -fsanitize=fuzzer-no-link -O1)
endif()

# fusebox_add_room(<name> SOURCES ... USES <other rooms and libraries>)
# One static library per folder of core/: what it may include is what it links to.
function(fusebox_add_room name)
  cmake_parse_arguments(ARG "" "" "SOURCES;USES;PRIVATE_USES" ${ARGN})
  add_library(fusebox_${name} STATIC ${ARG_SOURCES})
  target_include_directories(fusebox_${name} PUBLIC ${PROJECT_SOURCE_DIR}/core)
  target_link_libraries(fusebox_${name} PUBLIC ${ARG_USES} PRIVATE fusebox_options ${ARG_PRIVATE_USES})
endfunction()
