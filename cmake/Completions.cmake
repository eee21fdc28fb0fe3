# cmake -DFUSEBOX=<program> -DOUT=<folder> -P Completions.cmake: what `fusebox completion` prints.
file(MAKE_DIRECTORY ${OUT})
foreach(shell IN ITEMS bash zsh fish)
  execute_process(COMMAND ${FUSEBOX} completion ${shell}
    OUTPUT_FILE ${OUT}/fusebox.${shell} RESULT_VARIABLE rc ERROR_VARIABLE problem)
  if(NOT rc EQUAL 0)
    message(FATAL_ERROR "`fusebox completion ${shell}` failed: ${problem}")
  endif()
endforeach()
