# How everything is compiled: one place, so that a floor's CMakeLists.txt only lists its files.
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

option(STRAIT_STATIC "Link strait statically: one file that runs on any x86-64 Linux" ON)
option(STRAIT_WERROR "Treat warnings as errors" ON)
option(STRAIT_FUZZERS "Build the fuzz harnesses with libFuzzer (clang only)" OFF)
option(STRAIT_COVERAGE "Build the fuzz harnesses so that they tell what their corpora reach (clang only)" OFF)
set(STRAIT_SANITIZE "" CACHE STRING "Sanitizers to build with, as -fsanitize= takes them; empty for none")
include(CTest)

add_library(strait_options INTERFACE)
target_include_directories(strait_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(strait_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion
  -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough $<$<BOOL:${STRAIT_WERROR}>:-Werror>)
if(STRAIT_SANITIZE)
  target_compile_options(strait_options INTERFACE -fsanitize=${STRAIT_SANITIZE} -fno-omit-frame-pointer)
  # With sanitizers GCC takes the standard library's own objects for uninitialized (its manual says so of -fsanitize).
  target_compile_options(strait_options INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  target_compile_definitions(strait_options INTERFACE _GLIBCXX_ASSERTIONS)
  target_link_options(strait_options INTERFACE -fsanitize=${STRAIT_SANITIZE})
  set(STRAIT_STATIC OFF)
endif()

# Clang 19 finds GCC 12's own std::stable_sort to use what is deprecated.
target_compile_options(strait_options INTERFACE $<$<CXX_COMPILER_ID:Clang>:-Wno-deprecated-declarations>)
if(STRAIT_FUZZERS)
  target_compile_options(strait_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(STRAIT_COVERAGE)
  target_compile_options(strait_options INTERFACE -fprofile-instr-generate -fcoverage-mapping)
  target_link_options(strait_options INTERFACE -fprofile-instr-generate)
  set(STRAIT_STATIC OFF)
endif()

# strait_floor(NAME FILE... LINK LIBRARY...): one floor of the building as a static library.
function(strait_floor name)
  cmake_parse_arguments(FLOOR "" "" "LINK" ${ARGN})
  add_library(strait_${name} STATIC ${FLOOR_UNPARSED_ARGUMENTS})
  target_link_libraries(strait_${name} PUBLIC strait_options ${FLOOR_LINK})
endfunction()

# strait_texts(TARGET): of a target that puts much text together. GCC 12 takes `"(" + text` for memory that overlaps (its bug 105651).
function(strait_texts target)
  target_compile_options(${target} PRIVATE $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-restrict>)
endfunction()

# strait_small(TARGET): of a target that works at a person's pace. Its JSON and texts take less time to compile and less room.
function(strait_small target)
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-Os>)
endfunction()
