# The two functions that make every target of the project.

set(SEMBLANCE_WARNINGS -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wundef)
if(SEMBLANCE_WERROR)
  list(APPEND SEMBLANCE_WARNINGS -Werror)
endif()

# semblance_library(NAME HEADERS ... [SOURCES ...] [DEPS ...] [PRIVATE_DEPS ...] [UNITY])
#
# Makes the library semblance::NAME (a "/" in NAME becomes "_"). HEADERS are its public headers: each is compiled alone by the target
# all_verify_interface_header_sets. UNITY compiles the sources as one file: for sources that include LibTorch.
function(semblance_library NAME)
  cmake_parse_arguments(ARG "UNITY" "" "HEADERS;SOURCES;DEPS;PRIVATE_DEPS" ${ARGN})
  string(REPLACE "/" "_" target semblance_${NAME})
  string(REPLACE "/" "_" alias ${NAME})
  if(ARG_SOURCES)
    add_library(${target} STATIC ${ARG_SOURCES})
    set(scope PUBLIC)
    target_compile_options(${target} PRIVATE ${SEMBLANCE_WARNINGS})
    target_link_libraries(${target} PRIVATE ${ARG_PRIVATE_DEPS})
    set_target_properties(${target} PROPERTIES UNITY_BUILD ${ARG_UNITY} UNITY_BUILD_BATCH_SIZE 0)
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_link_libraries(${target} ${scope} ${ARG_DEPS})
  target_sources(${target} PUBLIC FILE_SET HEADERS BASE_DIRS ${CMAKE_SOURCE_DIR} FILES ${ARG_HEADERS})
  add_library(semblance::${alias} ALIAS ${target})
endfunction()

# semblance_test(NAME SOURCES ... [DEPS ...] [LABELS ...] [TIMEOUT seconds] [DEFINES ...])
#
# Makes one GoogleTest executable, NAME_test, and registers it with CTest. Labels: slow (more than ten seconds).
function(semblance_test NAME)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;DEPS;LABELS;DEFINES" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  add_executable(${NAME}_test ${ARG_SOURCES})
  target_compile_options(${NAME}_test PRIVATE ${SEMBLANCE_WARNINGS})
  target_compile_definitions(${NAME}_test PRIVATE ${ARG_DEFINES})
  target_link_libraries(${NAME}_test PRIVATE ${ARG_DEPS} semblance::testing GTest::gmock GTest::gtest GTest::gtest_main)
  add_test(NAME ${NAME} COMMAND ${NAME}_test)
  set_tests_properties(${NAME} PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}")
endfunction()
