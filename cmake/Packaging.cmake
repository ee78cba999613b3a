# Defines the files that "cmake --install" installs. "make package" makes a Debian package of them.
#
# Installing builds nothing. Run "make build" first, or build everything.
include(GNUInstallDirs)

# Man pages and completion are generated from the programs' own --help.
find_package(Python3 REQUIRED COMPONENTS Interpreter)
set(manual ${CMAKE_BINARY_DIR}/manual)
set(man_pages ${manual}/semblance.1 ${manual}/semblance-trainer.1 ${manual}/semblance-server.8 ${manual}/semblance-builder.8)
add_custom_command(
  OUTPUT ${man_pages} ${manual}/completion
  COMMAND Python3::Interpreter ${CMAKE_SOURCE_DIR}/scripts/generate_cli_docs.py ${CMAKE_RUNTIME_OUTPUT_DIRECTORY}
          --man=${manual} --completion=${manual}/completion
  DEPENDS ${CMAKE_SOURCE_DIR}/scripts/generate_cli_docs.py semblance semblance-server semblance-trainer semblance-builder
  COMMENT "Writing man pages and completion"
  VERBATIM)
add_custom_target(semblance-manual ALL DEPENDS ${man_pages} ${manual}/completion)

install(TARGETS semblance semblance-server semblance-trainer semblance-builder)
foreach(page IN LISTS man_pages)
  string(REGEX MATCH "[0-9]$" number ${page})
  install(FILES ${page} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${number})
endforeach()

# Bash loads the file that has the name of the program.
set(completions ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
foreach(program semblance semblance-server semblance-trainer semblance-builder)
  install(FILES ${manual}/completion DESTINATION ${completions} RENAME ${program})
endforeach()

set(doc_dir ${CMAKE_INSTALL_DATADIR}/doc/semblance)
install(DIRECTORY docs/ DESTINATION ${doc_dir})
install(FILES README.md CHANGELOG.md SECURITY.md DESTINATION ${doc_dir})
install(FILES LICENSE DESTINATION ${doc_dir} RENAME copyright)
install(DIRECTORY examples/ DESTINATION ${doc_dir}/examples)
install(DIRECTORY deploy/prometheus deploy/grafana DESTINATION ${doc_dir}/examples)
install(PROGRAMS deploy/smoke_test.sh DESTINATION ${doc_dir}/examples)

# Installs the units and the server's configuration, with the paths of the prefix.
install(CODE "set(semblance_source_dir \"${CMAKE_SOURCE_DIR}\")\nset(semblance_binary_dir \"${CMAKE_BINARY_DIR}\")")
install(SCRIPT cmake/install_host_files.cmake)

# Without this, CPack would build all targets first. A package holds files that were built before.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME semblance)
set(CPACK_PACKAGE_VENDOR "Semblance developers")
set(CPACK_PACKAGE_CONTACT "Semblance developers")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "similarity search over labeled images")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
    "Semblance learns what similar means for a collection of labeled images, and\n serves it: a trainer fits an embedding network, and a \
server answers over gRPC\n which items look like an image. This package has the server, the trainer, the\n builder of indexes, and the \
client command line.")
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(debian_dir ${CMAKE_SOURCE_DIR}/deploy/debian)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${debian_dir}/postinst ${debian_dir}/prerm ${debian_dir}/postrm ${debian_dir}/conffiles)
set(CPACK_STRIP_FILES ON)
# With DESTDIR the install scripts see the prefix that the package will have.
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
include(CPack)
