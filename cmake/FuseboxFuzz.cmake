# fusebox_add_fuzz_target(<name> SOURCES <files> [USES <targets>])
#
# A program with LLVMFuzzerTestOneInput(). With the preset `fuzz` it is a libFuzzer target. In every
# other build it is a test that feeds it each file of tests/fuzz/corpus/<name>/, so it cannot rot,
# and an input that once broke it stays tested: add it there.
function(fusebox_add_fuzz_target name)
  cmake_parse_arguments(ARG "" "" "SOURCES;USES" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE fusebox_options ${ARG_USES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  if(NOT TARGET fuzz_targets)
    add_custom_target(fuzz_targets) # all of them, for tests/fuzz/run.sh
  endif()
  add_dependencies(fuzz_targets ${name})
  if(FUSEBOX_FUZZ)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  else()
    target_sources(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus_main.cpp)
    add_test(NAME ${name} COMMAND ${name} ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name})
    set_tests_properties(${name} PROPERTIES LABELS "unit;fuzz" TIMEOUT 120)
  endif()
endfunction()
