# libweir, shared and static, with nothing but the names of src/libweir.sym to be seen; and what is
# installed with it.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(symbols ${CMAKE_SOURCE_DIR}/src/libweir.sym)
# The room whose functions leave, and all that it may use.
set(library_rooms api trade http net sign call budget classify policy core base)

# All its code is in the rooms; a target must have a source.
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/libweir.c CONTENT "")
add_library(libweir SHARED ${CMAKE_BINARY_DIR}/generated/libweir.c)
target_link_libraries(libweir PRIVATE "$<LINK_LIBRARY:WHOLE_ARCHIVE,room_api>")
target_link_options(libweir PRIVATE -Wl,--version-script=${symbols})
# A sanitizer's own symbols are in the program.
if(NOT WEIR_SANITIZE)
  target_link_options(libweir PRIVATE -Wl,--no-undefined)
endif()
target_include_directories(libweir INTERFACE
  $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
# Below 1.0 another middle number is another interface.
set(soversion ${PROJECT_VERSION_MAJOR})
if(PROJECT_VERSION_MAJOR EQUAL 0)
  set(soversion 0.${PROJECT_VERSION_MINOR})
endif()
set_target_properties(libweir PROPERTIES
  OUTPUT_NAME weir VERSION ${PROJECT_VERSION} SOVERSION ${soversion} LINKER_LANGUAGE C EXPORT_NAME weir
  LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR} LINK_DEPENDS ${symbols})

# A program that links statically has names of its own: ours become local to one object first.
set(static_library ${CMAKE_BINARY_DIR}/libweir.a)
file(STRINGS ${symbols} lines REGEX "^ +weir_[a-z_]+;")
list(TRANSFORM lines REPLACE "[ ;]" "")
list(JOIN lines "\n" lines)
file(GENERATE OUTPUT ${CMAKE_BINARY_DIR}/libweir.keep CONTENT "${lines}\n")
set(archives)
foreach(room ${library_rooms})
  list(APPEND archives $<TARGET_FILE:room_${room}>)
endforeach()
list(TRANSFORM library_rooms PREPEND room_ OUTPUT_VARIABLE room_targets)
set(plain_object)
if(CMAKE_INTERPROCEDURAL_OPTIMIZATION AND CMAKE_C_COMPILER_ID STREQUAL "GNU")
  set(plain_object -flto -flinker-output=nolto-rel)
endif()
add_custom_command(
  OUTPUT ${static_library}
  COMMAND ${CMAKE_C_COMPILER} -r -nostdlib ${plain_object} -o libweir.o
          -Wl,--whole-archive $<TARGET_FILE:room_api> -Wl,--no-whole-archive
          -Wl,--start-group ${archives} -Wl,--end-group
  COMMAND ${CMAKE_OBJCOPY} --keep-global-symbols=libweir.keep libweir.o
  COMMAND ${CMAKE_COMMAND} -E rm -f ${static_library}
  COMMAND ${CMAKE_AR} rcs ${static_library} libweir.o
  DEPENDS ${room_targets} ${symbols}
  WORKING_DIRECTORY ${CMAKE_BINARY_DIR}
  COMMENT "libweir.a: one object, its inner names hidden"
  VERBATIM)
add_custom_target(libweir_static ALL DEPENDS ${static_library})

# How many folders deep it is depends on the system: lib, or lib/x86_64-linux-gnu.
file(RELATIVE_PATH pc_to_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" pc_to_prefix "${pc_to_prefix}")
configure_file(cmake/weir.pc.in ${CMAKE_BINARY_DIR}/weir.pc @ONLY)
configure_package_config_file(cmake/weirConfig.cmake.in ${CMAKE_BINARY_DIR}/weirConfig.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/weir PATH_VARS CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_INCLUDEDIR)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/weirConfigVersion.cmake COMPATIBILITY SameMinorVersion)

install(TARGETS libweir EXPORT weirTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT weirTargets NAMESPACE weir:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/weir)
install(FILES ${static_library} DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES ${CMAKE_BINARY_DIR}/weir.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES ${CMAKE_BINARY_DIR}/weirConfig.cmake ${CMAKE_BINARY_DIR}/weirConfigVersion.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/weir)
install(FILES docs/weir.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES docs/libweir.3 DESTINATION ${CMAKE_INSTALL_MANDIR}/man3)
install(FILES include/weir.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
