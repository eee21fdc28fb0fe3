# SPDX-License-Identifier: Apache-2.0
#
# cmake -DPLUGIN=<id> -DLIBRARY=<file> -DNM=<nm> -P FuseboxCheckPlugin.cmake
#
# Reads a plugin's dynamic symbols and refuses what would break a host:
#   - an exported symbol beside the entry record: it could collide with another plugin's;
#   - a missing entry record, or one that is code;
#   - a unique symbol: glibc would never unload the library and would share it between plugins;
#   - an undefined symbol of fusebox itself: a plugin sees the host through its tables alone.
# A refused library is removed, so that a second build does not take it for a good one.
cmake_minimum_required(VERSION 3.25) # a script has no policies of its own
set(entries fusebox_plugin_entry_v1 fusebox_plugin_entry_v2)
# What sanitizers and linkers add on their own account.
set(tolerated "^(__(odr_)?[a-z]*san[_.].*|__(start|stop)_.*|__gcov_.*|__llvm_.*|_init|_fini|_edata|_end|__bss_start)$")

function(refuse text)
  file(REMOVE ${LIBRARY})
  message(FATAL_ERROR "plugin ${PLUGIN}: ${text}")
endfunction()

function(read_symbols out)
  execute_process(COMMAND ${NM} ${ARGN} ${LIBRARY}
    OUTPUT_VARIABLE text ERROR_VARIABLE problem RESULT_VARIABLE rc)
  if(NOT rc EQUAL 0)
    message(FATAL_ERROR "plugin ${PLUGIN}: ${NM} cannot read ${LIBRARY}: ${problem}")
  endif()
  string(REGEX REPLACE "[;[]" "?" text "${text}") # would confuse CMake's lists
  string(REPLACE "\n" ";" lines "${text}")
  set(${out} "${lines}" PARENT_SCOPE)
endfunction()

if(CMAKE_HOST_APPLE)
  read_symbols(defined -gU)
  read_symbols(undefined -u)
  set(prefix "_")
else()
  read_symbols(defined -D --defined-only)
  read_symbols(undefined -D -u)
  set(prefix "")
endif()

set(found "")
set(extra "")
foreach(line IN LISTS defined)
  if(NOT line MATCHES "^[0-9a-fA-F]+ +([A-Za-z]) +${prefix}([^ ]+)$")
    continue()
  endif()
  set(kind ${CMAKE_MATCH_1})
  set(name ${CMAKE_MATCH_2})
  string(REGEX REPLACE "@.*$" "" name "${name}") # a symbol version
  if(name IN_LIST entries)
    if(kind MATCHES "[TtWi]")
      refuse("${name} is a function, but the entry is data: declare it as `const fbx_entry ${name}`.")
    endif()
    list(APPEND found ${name})
  elseif(kind STREQUAL "u")
    refuse("${name} is a unique symbol, which pins the library in memory. Compile with -fno-gnu-unique, "
      "also the static libraries that it links.")
  elseif(NOT name MATCHES "${tolerated}")
    list(APPEND extra ${name})
  endif()
endforeach()

if(NOT found)
  refuse("it exports no fusebox_plugin_entry_v1. Define it (FBX_EXPORT, with C linkage) in one source file; "
    "docs/ABI.md shows how.")
endif()
if(extra)
  list(LENGTH extra count)
  list(SUBLIST extra 0 5 some)
  list(JOIN some ", " some)
  refuse("it exports ${count} symbol(s) beside its entry: ${some}. Make them static or hidden; "
    "the entry record is all that a host looks for.")
endif()
foreach(line IN LISTS undefined)
  if(line MATCHES "(^| )${prefix}((_ZN[A-Z]*7fusebox|fusebox_|fbx_)[^ ]*)$")
    refuse("it needs ${CMAKE_MATCH_2} from the program that loads it. A plugin calls the host only through "
      "the tables that it is given.")
  endif()
endforeach()
