# The page that the program serves: `dashboard/`, built with Node.js, carried in the library `dashboard_assets`.
# A build without Node.js takes `dashboard/dist` if that was made of the same files; else the page is left out, and `/` says so.
enable_language(ASM)
find_program(ANODE_NODE_JS NAMES node nodejs)
find_program(ANODE_NPM NAMES npm)
mark_as_advanced(ANODE_NODE_JS ANODE_NPM)

set(page_folder ${PROJECT_SOURCE_DIR}/dashboard)
set(page_out ${PROJECT_BINARY_DIR}/dashboard)
file(GLOB_RECURSE page_files CONFIGURE_DEPENDS ${page_folder}/src/*)
add_custom_command(
    OUTPUT ${page_out}/assets.bin
    COMMAND ${CMAKE_COMMAND} -DFOLDER=${page_folder} -DOUT=${page_out} "-DNODE_JS=${ANODE_NODE_JS}" "-DNPM=${ANODE_NPM}"
            -P ${PROJECT_SOURCE_DIR}/cmake/dashboard_embed.cmake
    DEPENDS ${page_files} ${page_folder}/build.mjs ${page_folder}/package-lock.json
            ${PROJECT_SOURCE_DIR}/cmake/dashboard_embed.cmake
    COMMENT "Dashboard"
    VERBATIM)
file(CONFIGURE OUTPUT ${page_out}/assets.S CONTENT [[
    .section .rodata
    .global anode_dashboard_begin
    .global anode_dashboard_end
    .balign 16
anode_dashboard_begin:
    .incbin "@page_out@/assets.bin"
anode_dashboard_end:
    .byte 0
    .section .note.GNU-stack, "", %progbits
]] @ONLY)
add_library(dashboard_assets STATIC ${page_out}/assets.S)
set_source_files_properties(${page_out}/assets.S PROPERTIES OBJECT_DEPENDS ${page_out}/assets.bin)
set_target_properties(dashboard_assets PROPERTIES LINKER_LANGUAGE C)
