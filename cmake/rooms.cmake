# One static library per room, warnings as errors, sanitizers on request.

set(WEIR_WARNINGS
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes
  -Wmissing-prototypes -Wpointer-arith -Wcast-qual -Wformat=2 -Wundef -Wvla -Wwrite-strings
  -Wimplicit-fallthrough -Werror)

# Binaries face the network: the usual hardening, in every build type.
set(WEIR_HARDENING -fstack-protector-strong -fno-common -fno-strict-aliasing)

# Nothing but what weir.h marks leaves the library: then the compiler may inline within a file.
set(WEIR_VISIBILITY -fvisibility=hidden)

function(weir_flags target)
  target_compile_options(${target} PRIVATE ${WEIR_WARNINGS} ${WEIR_HARDENING} ${WEIR_VISIBILITY})
  target_compile_definitions(${target} PRIVATE _GNU_SOURCE WEIR_VERSION="${PROJECT_VERSION}")
  target_include_directories(${target} PUBLIC ${CMAKE_SOURCE_DIR}/src ${CMAKE_BINARY_DIR}/generated)
  if(WEIR_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${WEIR_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(${target} PUBLIC -fsanitize=${WEIR_SANITIZE})
  endif()
  if(WEIR_FUZZ)
    target_compile_options(${target} PRIVATE -fsanitize=fuzzer-no-link)
  endif()
endfunction()

# weir_room(core SOURCES a.c b.c USES base stats PkgConfig::X)
# A source x.c with a test_x.c beside it gets a unit test named unit/<room>/x.
function(weir_room room)
  cmake_parse_arguments(ARG "" "" "SOURCES;USES" ${ARGN})
  add_library(room_${room} STATIC ${ARG_SOURCES})
  weir_flags(room_${room})
  foreach(use ${ARG_USES})
    if(use MATCHES "::" OR NOT EXISTS ${CMAKE_SOURCE_DIR}/src/${use})
      target_link_libraries(room_${room} PUBLIC ${use})
    else()
      target_link_libraries(room_${room} PUBLIC room_${use})
    endif()
  endforeach()
  if(WEIR_TESTS)
    foreach(source ${ARG_SOURCES})
      get_filename_component(noun ${source} NAME_WE)
      if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/test_${noun}.c)
        weir_unit_test(${room} ${noun} test_${noun}.c)
      endif()
    endforeach()
  endif()
endfunction()

# A unit test is done in seconds; under a sanitizer, or on a machine that does other things too, in many times that.
set(WEIR_UNIT_TIMEOUT 300)

# weir_unit_test(core window test_window.c [EXTRA libs])
function(weir_unit_test room noun source)
  add_executable(test_${room}_${noun} ${source})
  weir_flags(test_${room}_${noun})
  target_link_libraries(test_${room}_${noun} PRIVATE room_${room} PkgConfig::CMOCKA ${ARGN})
  set_target_properties(test_${room}_${noun} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/unit)
  add_test(NAME unit/${room}/${noun} COMMAND test_${room}_${noun} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(unit/${room}/${noun} PROPERTIES LABELS unit TIMEOUT ${WEIR_UNIT_TIMEOUT})
endfunction()
