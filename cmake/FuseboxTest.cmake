# fusebox_add_test(<name> SOURCES <files> [USES <targets>] [LABELS <labels>] [TIMEOUT <s>] [ENVIRONMENT A=b ...]
#                  [DOCKER])
#
# One doctest program, one ctest entry. A program that ends with 77 could not run here: ctest counts
# it as skipped, and its output says why.
#
# DOCKER: it runs where the tests' own container engine and its published ports are (see
# tests/support/engine), with its images there, and has the label `docker`.
find_package(Python3 COMPONENTS Interpreter QUIET)
set(FUSEBOX_ENGINE ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tests/support/engine/engine.py)
set(FUSEBOX_ENGINE_FOLDER ${PROJECT_BINARY_DIR}/tests/engine)

function(fusebox_add_test name)
  cmake_parse_arguments(ARG "DOCKER" "TIMEOUT" "SOURCES;USES;LABELS;ENVIRONMENT" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  add_executable(${name} ${ARG_SOURCES} ${PROJECT_SOURCE_DIR}/tests/support/main.cpp)
  target_link_libraries(${name} PRIVATE fusebox_options doctest::doctest ${ARG_USES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  set(command ${name})
  if(ARG_DOCKER)
    set(command ${FUSEBOX_ENGINE} enter ${FUSEBOX_ENGINE_FOLDER} $<TARGET_FILE:${name}>)
    list(APPEND ARG_LABELS docker)
  endif()
  add_test(NAME ${name} COMMAND ${command})
  set_tests_properties(${name} PROPERTIES
    SKIP_RETURN_CODE 77 TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}" ENVIRONMENT "${ARG_ENVIRONMENT}"
    COST ${ARG_TIMEOUT}) # the long ones start first, so that none is left to run alone
  if(ARG_DOCKER)
    set_tests_properties(${name} PROPERTIES FIXTURES_REQUIRED "engine;images")
  endif()
endfunction()
