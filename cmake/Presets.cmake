# What `fusebox init` writes: one folder per preset, made of the very files under configs/ and
# compose/. It lies at share/fusebox/presets beside bin/, in the build tree as where it is installed.
#
#   <preset>/preset.toml     what it is, and what to do next
#   <preset>/files/...       the stack's folder
set(FUSEBOX_PRESET_DIR ${CMAKE_BINARY_DIR}/${CMAKE_INSTALL_DATADIR}/fusebox/presets)

# configure_file() makes a change of the source another run of CMake.
function(fusebox_preset_file preset source target)
  configure_file(${PROJECT_SOURCE_DIR}/${source} ${FUSEBOX_PRESET_DIR}/${preset}/${target} COPYONLY)
endfunction()

function(fusebox_add_preset preset)
  fusebox_preset_file(${preset} configs/presets/${preset}/preset.toml preset.toml)
  fusebox_preset_file(${preset} configs/presets/${preset}/fusebox.toml files/fusebox.toml)
  fusebox_preset_file(${preset} configs/presets/common/gitignore files/.gitignore)
  fusebox_preset_file(${preset} configs/presets/common/pre-commit-config.yaml files/.pre-commit-config.yaml)
  foreach(file IN LISTS ARGN) # to the same place below the stack's folder
    fusebox_preset_file(${preset} ${file} files/${file})
  endforeach()
endfunction()

file(REMOVE_RECURSE ${FUSEBOX_PRESET_DIR})
file(GLOB compose_files RELATIVE ${PROJECT_SOURCE_DIR} CONFIGURE_DEPENDS
  ${PROJECT_SOURCE_DIR}/compose/*.yml ${PROJECT_SOURCE_DIR}/configs/clickhouse/*
  ${PROJECT_SOURCE_DIR}/configs/backup/*)
set(langfuse_files configs/langfuse-base.toml configs/versions.lock configs/versions-v3.lock
  configs/secrets.env.template ${compose_files})
fusebox_add_preset(langfuse configs/langfuse.toml ${langfuse_files})
fusebox_add_preset(langfuse-docker configs/langfuse-docker.toml configs/langfuse-docker-1password.toml
  ${langfuse_files})
fusebox_add_preset(demo configs/demo.toml configs/demo/clickhouse.xml configs/demo/clickhouse-users.xml
  configs/demo/clickhouse-client.xml)

install(DIRECTORY ${FUSEBOX_PRESET_DIR} DESTINATION ${CMAKE_INSTALL_DATADIR}/fusebox)
