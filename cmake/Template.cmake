# What `fusebox plugins new` writes: sdk/template/, at share/fusebox/template beside bin/, in the build
# tree as where it is installed.
set(FUSEBOX_TEMPLATE_DIR ${CMAKE_BINARY_DIR}/${CMAKE_INSTALL_DATADIR}/fusebox/template)
file(REMOVE_RECURSE ${FUSEBOX_TEMPLATE_DIR})
file(GLOB_RECURSE template_files RELATIVE ${PROJECT_SOURCE_DIR}/sdk/template CONFIGURE_DEPENDS
  ${PROJECT_SOURCE_DIR}/sdk/template/*)
foreach(file IN LISTS template_files)
  configure_file(sdk/template/${file} ${FUSEBOX_TEMPLATE_DIR}/${file} COPYONLY)
endforeach()
install(DIRECTORY ${FUSEBOX_TEMPLATE_DIR} DESTINATION ${CMAKE_INSTALL_DATADIR}/fusebox)
