# What `cmake --install` lays out beside what each target installs itself:
#
#   bin/fusebox                       the program
#   lib/fusebox/plugins/              each plugin's library and manifest
#   libexec/fusebox/                  helper programs, for fusebox alone
#   include/fusebox/, lib/cmake/fusebox/   the SDK: find_package(fusebox) gives fusebox::sdk and
#                                          fusebox_add_plugin()
#   share/fusebox/                    ready configs and Compose files, and the presets of `fusebox init`
#   share/{bash-completion,zsh,fish}  completions
#
# `--component sdk` installs the SDK alone.
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/fusebox)

install(DIRECTORY sdk/include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT sdk)
install(TARGETS fusebox_sdk EXPORT fusebox)
install(EXPORT fusebox NAMESPACE fusebox:: FILE fusebox-targets.cmake DESTINATION ${package_dir} COMPONENT sdk)
configure_package_config_file(sdk/cmake/fusebox-config.cmake.in fusebox-config.cmake
  INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(fusebox-config-version.cmake
  COMPATIBILITY SameMajorVersion ARCH_INDEPENDENT)
install(FILES
  ${CMAKE_CURRENT_BINARY_DIR}/fusebox-config.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/fusebox-config-version.cmake
  sdk/cmake/FuseboxAddPlugin.cmake
  sdk/cmake/FuseboxCheckPlugin.cmake
  DESTINATION ${package_dir} COMPONENT sdk)

# Never the values that a run from this clone has made.
install(DIRECTORY configs compose DESTINATION ${CMAKE_INSTALL_DATADIR}/fusebox
  PATTERN ".env" EXCLUDE PATTERN "..env.lock" EXCLUDE PATTERN presets EXCLUDE)
install(FILES LICENSE README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR} OPTIONAL FILES_MATCHING PATTERN "*.md")

if(TARGET fusebox)
  # The program knows its own commands, so it writes its completions.
  set(completions ${CMAKE_CURRENT_BINARY_DIR}/completions)
  add_custom_command(OUTPUT ${completions}/fusebox.bash ${completions}/fusebox.zsh ${completions}/fusebox.fish
    COMMAND ${CMAKE_COMMAND} -DFUSEBOX=$<TARGET_FILE:fusebox> -DOUT=${completions}
      -P ${CMAKE_CURRENT_SOURCE_DIR}/cmake/Completions.cmake
    DEPENDS fusebox cmake/Completions.cmake VERBATIM)
  add_custom_target(completions ALL DEPENDS ${completions}/fusebox.bash)
  install(FILES ${completions}/fusebox.bash RENAME fusebox
    DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
  install(FILES ${completions}/fusebox.zsh RENAME _fusebox
    DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
  install(FILES ${completions}/fusebox.fish
    DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
endif()
