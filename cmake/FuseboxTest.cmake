# fusebox_add_test(<name> SOURCES <files> [USES <targets>] [LABELS <labels>] [TIMEOUT <s>] [ENVIRONMENT A=b ...])
#
# One doctest program, one ctest entry. A program that ends with 77 could not run here: ctest counts
# it as skipped, and its output says why.
function(fusebox_add_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;USES;LABELS;ENVIRONMENT" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  add_executable(${name} ${ARG_SOURCES} ${PROJECT_SOURCE_DIR}/tests/support/main.cpp)
  target_link_libraries(${name} PRIVATE fusebox_options doctest::doctest ${ARG_USES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES
    SKIP_RETURN_CODE 77 TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}" ENVIRONMENT "${ARG_ENVIRONMENT}")
endfunction()
