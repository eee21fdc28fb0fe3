# SPDX-License-Identifier: Apache-2.0
#
# fusebox_add_plugin(<id> SOURCES <files> [MANIFEST <file>] [LIBRARIES <targets>]
#                    [OUTPUT_DIRECTORY <folder>] [NO_INSTALL])
#
# Builds a fusebox plugin the way the ABI wants it: hidden visibility, one exported symbol, no
# undefined symbols, no unique symbols (they would pin the library for ever), the manifest's bytes
# compiled in and laid beside the library. FuseboxCheckPlugin.cmake proves it after each link, and
# the build fails where it does not hold.
set(FUSEBOX_CHECK_PLUGIN ${CMAKE_CURRENT_LIST_DIR}/FuseboxCheckPlugin.cmake)

function(fusebox_add_plugin id)
  cmake_parse_arguments(ARG "NO_INSTALL" "MANIFEST;OUTPUT_DIRECTORY" "SOURCES;LIBRARIES" ${ARGN})
  if(ARG_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "fusebox_add_plugin(${id}): unknown arguments ${ARG_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT ARG_MANIFEST)
    set(ARG_MANIFEST ${CMAKE_CURRENT_SOURCE_DIR}/${id}.fusebox.toml)
  endif()
  if(NOT ARG_OUTPUT_DIRECTORY)
    set(ARG_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib/fusebox/plugins)
  endif()

  # The manifest as a C array, so that any byte of it survives the compiler.
  set(embedded ${CMAKE_CURRENT_BINARY_DIR}/${id}_manifest.c)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${ARG_MANIFEST})
  file(READ ${ARG_MANIFEST} hex HEX)
  string(REGEX REPLACE "(..)" "'\\\\x\\1'," bytes "${hex}")
  file(CONFIGURE OUTPUT ${embedded} CONTENT
    "extern const char fusebox_manifest_text[];\nconst char fusebox_manifest_text[] = {@bytes@0};\n" @ONLY)

  add_library(${id} MODULE ${ARG_SOURCES} ${embedded})
  set_target_properties(${id} PROPERTIES
    PREFIX "" OUTPUT_NAME ${id} SUFFIX ${CMAKE_SHARED_LIBRARY_SUFFIX}
    LIBRARY_OUTPUT_DIRECTORY ${ARG_OUTPUT_DIRECTORY}
    C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  target_link_libraries(${id} PRIVATE fusebox::sdk ${ARG_LIBRARIES})
  if(TARGET fusebox_options) # within fusebox itself: its warnings, sanitizers and coverage
    target_link_libraries(${id} PRIVATE fusebox_options)
  endif()
  # Libraries' headers mark symbols of their own for export (Boost does): the linker has the last word.
  if(APPLE)
    target_link_options(${id} PRIVATE "LINKER:-exported_symbol,_fusebox_plugin_entry_v*")
  else()
    set(exports ${CMAKE_CURRENT_BINARY_DIR}/${id}_exports.map)
    file(CONFIGURE OUTPUT ${exports} CONTENT "{ global: fusebox_plugin_entry_v*; local: *; };\n")
    target_link_options(${id} PRIVATE "LINKER:--version-script=${exports}")
    target_compile_options(${id} PRIVATE $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fno-gnu-unique>)
    if(NOT FUSEBOX_SANITIZE) # a sanitizer's symbols come from the program that loads the plugin
      target_link_options(${id} PRIVATE -Wl,-z,defs)
    endif()
    target_link_options(${id} PRIVATE -Wl,--exclude-libs,ALL)
  endif()
  add_custom_command(TARGET ${id} POST_BUILD
    COMMAND ${CMAKE_COMMAND} -DPLUGIN=${id} -DLIBRARY=$<TARGET_FILE:${id}> -DNM=${CMAKE_NM}
      -P ${FUSEBOX_CHECK_PLUGIN}
    COMMAND ${CMAKE_COMMAND} -E copy_if_different ${ARG_MANIFEST} ${ARG_OUTPUT_DIRECTORY}/${id}.fusebox.toml
    VERBATIM)
  if(NOT ARG_NO_INSTALL)
    include(GNUInstallDirs)
    install(TARGETS ${id} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/fusebox/plugins)
    install(FILES ${ARG_MANIFEST} DESTINATION ${CMAKE_INSTALL_LIBDIR}/fusebox/plugins RENAME ${id}.fusebox.toml)
  endif()
endfunction()
