# libframelift_torch.so: the torch engine (src/backend/torch/plugin) as a module that the program loads when asked to.
# libtorch comes out of the PyPI wheel (`make torch`). Its own CMake package needs a CUDA toolkit, so its CPU libraries
# are named here; the CUDA ones are loaded at run time (src/backend/torch/plugin/device.cpp).
set(framelift_torch_root ${framelift_site_packages}/torch CACHE PATH "libtorch: a folder with include and lib")
if(FRAMELIFT_TORCH STREQUAL AUTO)
  set(framelift_torch_found OFF)
  if(EXISTS ${framelift_torch_root}/lib/libtorch_cpu.so AND NOT FRAMELIFT_SANITIZE)
    set(framelift_torch_found ON)
  endif()
else()
  set(framelift_torch_found ${FRAMELIFT_TORCH})
endif()
if(framelift_torch_found)
  # Its own headers only: beside them the wheel has others, such as a newer fmt than this program's.
  set(torch_include ${CMAKE_BINARY_DIR}/torch_include)
  file(MAKE_DIRECTORY ${torch_include})
  foreach(folder ATen c10 caffe2 torch)
    file(CREATE_LINK ${framelift_torch_root}/include/${folder} ${torch_include}/${folder} SYMBOLIC)
  endforeach()
  foreach(library torch_cpu c10)
    add_library(libtorch::${library} SHARED IMPORTED)
    set_target_properties(libtorch::${library} PROPERTIES
      IMPORTED_LOCATION ${framelift_torch_root}/lib/lib${library}.so
      INTERFACE_INCLUDE_DIRECTORIES "${torch_include};${torch_include}/torch/csrc/api/include")
  endforeach()
  file(GLOB framelift_torch_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/backend/torch/plugin/*.cpp)
  add_library(framelift_torch MODULE ${framelift_torch_sources})
  target_link_libraries(framelift_torch PRIVATE framelift_graph libtorch::torch_cpu libtorch::c10)
  # -Wconversion finds libtorch's macros.
  target_compile_options(framelift_torch PRIVATE -Wno-conversion -Wno-shadow -fvisibility=hidden)
  target_link_options(framelift_torch PRIVATE -Wl,--exclude-libs,ALL)
  set_target_properties(framelift_torch PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib
                        BUILD_RPATH ${framelift_torch_root}/lib)
endif()
