# Tests of the project itself: its rooms, its packages, what its documents say. Included by
# tests/CMakeLists.txt.
function(weir_project_test name)
  add_test(NAME project/${name} COMMAND ${ARGN} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(project/${name} PROPERTIES LABELS project TIMEOUT 60)
endfunction()

weir_project_test(rooms ${Python3_EXECUTABLE} tools/rooms.py)
weir_project_test(rooms_rules ${Python3_EXECUTABLE} tools/test_rooms.py)
weir_project_test(packages ${Python3_EXECUTABLE} tools/test_packages.py)
weir_project_test(dependencies ${Python3_EXECUTABLE} tools/test_dependencies.py)
weir_project_test(clients ${Python3_EXECUTABLE} tools/test_clients.py)
# The program comes later in the configuration than this file, so it is named by its place.
weir_project_test(settings_doc ${Python3_EXECUTABLE} tools/settings_doc.py ${CMAKE_BINARY_DIR}/weir)
weir_project_test(verdicts_doc ${Python3_EXECUTABLE} tools/verdicts_doc.py)
weir_project_test(metrics_doc ${Python3_EXECUTABLE} tools/metrics_doc.py)
weir_project_test(operations_doc ${Python3_EXECUTABLE} tools/operations_doc.py)
weir_project_test(log_sites ${Python3_EXECUTABLE} tools/log_sites.py)
weir_project_test(logs_doc ${Python3_EXECUTABLE} tools/logs_doc.py)
weir_project_test(example_config ${CMAKE_BINARY_DIR}/weir check contrib/weir.example.yaml)
weir_project_test(debian ${Python3_EXECUTABLE} tools/test_debian.py ${CMAKE_BINARY_DIR})
weir_project_test(container ${Python3_EXECUTABLE} tools/test_container.py ${CMAKE_BINARY_DIR}/weir)
weir_project_test(units ${Python3_EXECUTABLE} tools/test_units.py ${CMAKE_BINARY_DIR}/weir)
weir_project_test(check_command ${Python3_EXECUTABLE} tools/test_check.py ${CMAKE_BINARY_DIR}/weir)
