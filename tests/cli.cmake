# Subcommands as a user runs them. Included by tests/CMakeLists.txt; the program comes later in the
# configuration than this file, so it is named by its place.
add_test(NAME cli/demo COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tests/cli/check_demo.py ${CMAKE_BINARY_DIR}/weir)
set_tests_properties(cli/demo PROPERTIES LABELS integration TIMEOUT 300)
# Skipped where the kernel gives no namespaces, or no Redis is installed.
add_test(NAME example/three_hosts COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/examples/three-hosts/run --quick)
set_tests_properties(example/three_hosts PROPERTIES LABELS integration TIMEOUT 120 SKIP_RETURN_CODE 77 RESOURCE_LOCK networks
  ENVIRONMENT "WEIR=${CMAKE_BINARY_DIR}/weir;PYTHONDONTWRITEBYTECODE=1")
add_test(NAME cli/usage COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tests/cli/check_usage.py ${CMAKE_BINARY_DIR}/weir)
set_tests_properties(cli/usage PROPERTIES LABELS integration TIMEOUT 300)
